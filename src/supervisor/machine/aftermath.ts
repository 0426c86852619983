import type { Diagnosis } from '../../vllm/types.ts';
import type { SupervisorPolicy } from '../policy.ts';
import { enter } from './enter.ts';
import type { Machine, Transition } from './types.ts';

export interface FailureFacts {
  readonly at: number;
  readonly diagnosis: Diagnosis;
  /** When the engine became ready; null when it never did. */
  readonly readyAt: number | null;
  /** In [0, 1). */
  readonly draw: number;
  readonly usualLoadMs: number | null;
}

/** The window in which failures are counted: long enough that slow loads can fill it. */
export const crashWindow = (policy: SupervisorPolicy, usualLoadMs: number | null): number =>
  Math.max(policy.crashWindowMs, policy.maxCrashes * ((usualLoadMs ?? 0) + policy.backoffMaxMs));

/** Wait before the next start: half of the doubled wait is certain, half is drawn; never hot, never in step with others. */
export function backoffMs(policy: SupervisorPolicy, level: number, draw: number): number {
  // 2 ** level overflows nothing here, but a level that high is past the cap anyway.
  const full = Math.min(policy.backoffMaxMs, policy.backoffFirstMs * 2 ** Math.min(level, 30));
  return Math.round(full / 2 + (full / 2) * draw);
}

/** Counts a failure into the machine. */
function countFailure(machine: Machine, facts: FailureFacts): Machine {
  const { diagnosis, at } = facts;
  const since = at - crashWindow(machine.policy, facts.usualLoadMs);
  const isRepeat = machine.deterministic?.signature === diagnosis.signature;
  const count = isRepeat ? (machine.deterministic?.count ?? 0) + 1 : 1;
  const enough = machine.policy.maxDeterministicFailures;
  return {
    ...machine,
    hasEngine: false,
    failedStarts: facts.readyAt === null ? machine.failedStarts + 1 : 0,
    deterministic: diagnosis.deterministic
      ? { signature: diagnosis.signature, count: diagnosis.isFinal === true ? enough : count }
      : null,
    crashes: [...machine.crashes.filter((time) => time >= since), at],
  };
}

/** Why no further start is tried; null while one is. */
export function reasonToGiveUp(machine: Machine): string | null {
  const { policy } = machine;
  if (machine.deterministic !== null && machine.deterministic.count >= policy.maxDeterministicFailures) {
    return `the same start failed ${machine.deterministic.count} times with "${machine.deterministic.signature}"`;
  }
  if (machine.failedStarts >= policy.maxFailedStarts) {
    return `${machine.failedStarts} starts in a row never got ready`;
  }
  if (machine.crashes.length >= policy.maxCrashes) return `${machine.crashes.length} failures in one window`;
  return null;
}

/** What follows a failure: giving up, or a wait and another start. The engine is gone. */
export function afterFailure(machine: Machine, facts: FailureFacts): Transition {
  const { at, diagnosis, readyAt } = facts;
  const counted = countFailure(machine, facts);
  const data = { incarnation: machine.incarnation, signature: diagnosis.signature, cause: diagnosis.cause };
  const reason = reasonToGiveUp(counted);
  if (reason !== null) {
    const record = { type: 'record', kind: 'given-up', data: { ...data, reason } } as const;
    return enter(counted, { name: 'given-up', diagnosis }, at, null, record);
  }
  const wasStable = readyAt !== null && at - readyAt >= machine.policy.stableAfterMs;
  const waitMs = wasStable ? 0 : backoffMs(machine.policy, machine.backoffLevel, facts.draw);
  const next: Machine = { ...counted, backoffLevel: wasStable ? 0 : machine.backoffLevel + 1 };
  const record = { type: 'record', kind: 'backing-off', data: { ...data, waitMs } } as const;
  return enter(next, { name: 'backing-off', diagnosis }, at, waitMs, record);
}
