import { createMachine } from '../../src/supervisor/machine/enter.ts';
import { transition } from '../../src/supervisor/machine/transition.ts';
import type { Effect, Machine, SupervisorEvent } from '../../src/supervisor/machine/types.ts';
import { defaultPolicy, type SupervisorPolicy } from '../../src/supervisor/index.ts';
import type { Diagnosis } from '../../src/vllm/types.ts';

export const policy: SupervisorPolicy = { ...defaultPolicy, backoffFirstMs: 1_000, backoffMaxMs: 8_000 };
export const engine = { engineId: '42', endpoint: { kind: 'unix', path: '/e.sock' } } as const;
export const diagnosis = (parts: Partial<Diagnosis> = {}): Diagnosis => ({
  signature: 'unknown',
  cause: 'it ended',
  evidence: [],
  advice: 'look',
  deterministic: false,
  ...parts,
});
export const exit = { code: 0, signal: null, oomKilled: false } as const;

/** Events of the incarnation that is current when they happen, so that a table stays short. */
export type Step =
  | 'start'
  | 'stop'
  | 'restart'
  | 'launched'
  | 'passed'
  | 'exited'
  | 'sick'
  | 'well'
  | 'drained'
  | 'timer'
  | 'remove-failed'
  | { readonly gone: Diagnosis }
  | { readonly launchFailed: Diagnosis }
  | { readonly refused: Diagnosis };

export function eventOf(step: Step, machine: Machine, at: number): SupervisorEvent {
  const { incarnation, timer } = machine;
  const base = { at, incarnation };
  const failure = { draw: 1, usualLoadMs: null };
  if (typeof step === 'object') {
    if ('gone' in step) return { type: 'gone', ...base, diagnosis: step.gone, ...failure };
    if ('refused' in step) return { type: 'probe-refused', ...base, diagnosis: step.refused };
    return { type: 'launch-failed', ...base, diagnosis: step.launchFailed, ...failure };
  }
  switch (step) {
    case 'start':
      return { type: 'start-asked', at };
    case 'stop':
      return { type: 'stop-asked', at, reason: 'test' };
    case 'restart':
      return { type: 'restart-asked', at, reason: 'test' };
    case 'launched':
      return { type: 'launched', ...base, engine };
    case 'passed':
      return { type: 'probe-passed', ...base };
    case 'exited':
      return { type: 'exited', ...base, exit };
    case 'sick':
      return { type: 'health', ...base, isHealthy: false, why: '503' };
    case 'well':
      return { type: 'health', ...base, isHealthy: true, why: '' };
    case 'drained':
      return { type: 'drained', ...base };
    case 'timer':
      return { type: 'timer', at, token: timer };
    case 'remove-failed':
      return { type: 'remove-failed', ...base, diagnosis: diagnosis({ signature: 'stuck' }) };
  }
}

export interface Walk {
  readonly machine: Machine;
  /** Effects of the last step, records and timers left out. */
  readonly deeds: readonly string[];
  readonly effects: readonly Effect[];
}

const deedOf = (effect: Effect): string[] => {
  if (effect.type === 'record' || effect.type === 'schedule' || effect.type === 'unschedule') return [];
  return [effect.type === 'signal' ? effect.signal : effect.type];
};

/** Walks the steps from a stopped machine; each happens `gapMs` after the one before. */
export function walk(steps: readonly Step[], own: SupervisorPolicy = policy, gapMs = 10): Walk {
  let machine = createMachine(own);
  let effects: readonly Effect[] = [];
  let at = 0;
  for (const step of steps) {
    at = step === 'timer' && machine.deadlineAt !== null ? machine.deadlineAt : at + gapMs;
    [machine, effects] = transition(machine, eventOf(step, machine, at));
  }
  return { machine, deeds: effects.flatMap(deedOf), effects };
}
