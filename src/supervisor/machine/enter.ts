import type { SupervisorPolicy } from '../policy.ts';
import type { Effect, Ending, EngineRef, Machine, State, StopStep, Transition } from './types.ts';

export const createMachine = (policy: SupervisorPolicy): Machine => ({
  state: { name: 'stopped' },
  enteredAt: 0,
  deadlineAt: null,
  timer: 0,
  incarnation: 0,
  hasEngine: false,
  restarts: 0,
  failedStarts: 0,
  backoffLevel: 0,
  deterministic: null,
  crashes: [],
  policy,
});

export const stay = (machine: Machine, ...effects: Effect[]): Transition => [machine, effects];

/** Arms the state's timer anew without leaving the state. */
export function rearm(machine: Machine, at: number, afterMs: number, ...effects: Effect[]): Transition {
  const timer = machine.timer + 1;
  return [
    { ...machine, timer, deadlineAt: at + afterMs },
    [...effects, { type: 'schedule', token: timer, afterMs }],
  ];
}

/** Enters a state. `afterMs` null means that only a person ends it. */
export function enter(
  machine: Machine,
  state: State,
  at: number,
  afterMs: number | null,
  ...effects: Effect[]
): Transition {
  const timer = machine.timer + 1;
  const deadlineAt = afterMs === null ? null : at + afterMs;
  const clock: Effect =
    afterMs === null ? { type: 'unschedule' } : { type: 'schedule', token: timer, afterMs };
  return [{ ...machine, state, enteredAt: at, timer, deadlineAt }, [clock, ...effects]];
}

/** Orders a start. Only where no engine can exist: the caller has looked at `hasEngine`. */
export function startEngine(machine: Machine, at: number, why: string): Transition {
  const incarnation = machine.incarnation + 1;
  const next: Machine = { ...machine, incarnation, hasEngine: true };
  const state: State = { name: 'starting', engine: null, phase: 'launch', progress: null, phaseAt: at };
  return enter(
    next,
    state,
    at,
    machine.policy.startTimeoutMs,
    { type: 'record', kind: 'start', data: { incarnation, why } },
    { type: 'start', incarnation },
  );
}

/** A person asked: earlier failures no longer count. */
export const forgetFailures = (machine: Machine): Machine => ({
  ...machine,
  failedStarts: 0,
  backoffLevel: 0,
  deterministic: null,
  crashes: [],
});

interface StopInput {
  readonly step: StopStep;
  readonly ending: Ending;
  readonly engine: EngineRef | null;
  readonly readyAt: number | null;
}

/** Steps onto a rung of the stop ladder, with the rung's own deadline and deed. */
export function enterStopping(machine: Machine, at: number, input: StopInput): Transition {
  const { policy, incarnation } = machine;
  const rungs: Record<StopStep, { readonly afterMs: number; readonly effects: readonly Effect[] }> = {
    'await-launch': { afterMs: policy.launchGraceMs, effects: [] },
    term: { afterMs: policy.stopGraceMs, effects: [{ type: 'signal', incarnation, signal: 'SIGTERM' }] },
    abort: { afterMs: policy.abortGraceMs, effects: [{ type: 'signal', incarnation, signal: 'SIGABRT' }] },
    kill: { afterMs: policy.killGraceMs, effects: [{ type: 'signal', incarnation, signal: 'SIGKILL' }] },
    remove: { afterMs: policy.removeTimeoutMs, effects: [{ type: 'destroy', incarnation }] },
  };
  const rung = rungs[input.step];
  return enter(
    machine,
    { name: 'stopping', ...input },
    at,
    rung.afterMs,
    { type: 'quiesce', incarnation },
    { type: 'record', kind: 'stopping', data: { incarnation, step: input.step, why: input.ending.kind } },
    ...rung.effects,
  );
}
