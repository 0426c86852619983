import type { Machine } from './machine/types.ts';
import { estimateReadyInMs, percentile90, type StartTimes } from './record/start-history.ts';
import type { EngineSnapshot } from './types.ts';

export interface SnapshotInput {
  readonly machine: Machine;
  /** Wall clock when the state was entered, ms since the epoch. */
  readonly since: number;
  /** Monotonic now. */
  readonly now: number;
  readonly starts: readonly StartTimes[];
}

function readyInMs({ machine, now, starts }: SnapshotInput): number | null {
  const { state, enteredAt, deadlineAt } = machine;
  if (state.name === 'starting') {
    return estimateReadyInMs(starts, {
      phase: state.phase,
      elapsedMs: now - enteredAt,
      inPhaseMs: now - state.phaseAt,
    });
  }
  const load = percentile90(starts.map(({ totalMs }) => totalMs));
  if (load === null) return null;
  if (state.name === 'backing-off') return Math.round(Math.max(0, (deadlineAt ?? now) - now) + load);
  const comesBack = state.name === 'stopping' && state.ending.kind !== 'stop';
  return comesBack ? Math.round(load) : null;
}

/** What others may see of the machine. Pure. */
export function projectSnapshot(input: SnapshotInput): EngineSnapshot {
  const { machine, since } = input;
  const { state } = machine;
  const isServing = state.name === 'ready' || state.name === 'suspect';
  const engine = 'engine' in state ? state.engine : null;
  const waitMs =
    state.name === 'backing-off' ? (machine.deadlineAt ?? machine.enteredAt) - machine.enteredAt : null;
  return {
    state: state.name,
    incarnation: machine.incarnation,
    since,
    phase: state.name === 'starting' ? state.phase : null,
    phaseProgress: state.name === 'starting' ? state.progress : null,
    readyInMs: readyInMs(input),
    endpoint: isServing ? state.engine.endpoint : null,
    engineId: engine?.engineId ?? null,
    until: waitMs === null ? null : since + waitMs,
    diagnosis: state.name === 'backing-off' || state.name === 'given-up' ? state.diagnosis : null,
    restarts: machine.restarts,
  };
}
