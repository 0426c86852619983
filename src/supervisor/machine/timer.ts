import { launchUnanswered, removeTimeout, startTimeout, unhealthy } from './diagnoses.ts';
import { enter, enterStopping, rearm, startEngine, stay } from './enter.ts';
import type { Machine, State, Transition } from './types.ts';

/** The state's time is up: its own event did not come. */
export function onTimer(machine: Machine, at: number): Transition {
  const { state, policy, incarnation } = machine;
  switch (state.name) {
    case 'stopped':
    case 'given-up':
      return stay(machine);
    case 'starting': {
      const { engine, phase } = state;
      const ending = { kind: 'hung', diagnosis: startTimeout(policy.startTimeoutMs, phase) } as const;
      return enterStopping(machine, at, {
        step: engine === null ? 'await-launch' : 'abort',
        ending,
        engine,
        readyAt: null,
      });
    }
    case 'ready':
      return rearm(machine, at, policy.healthIntervalMs, { type: 'check-health', incarnation });
    case 'suspect': {
      const { engine, readyAt, why, suspectAt } = state;
      const leftMs = suspectAt + policy.suspectTimeoutMs - at;
      if (leftMs > 0) {
        return rearm(machine, at, Math.min(leftMs, policy.healthIntervalMs), {
          type: 'check-health',
          incarnation,
        });
      }
      const ending = { kind: 'hung', diagnosis: unhealthy(policy.suspectTimeoutMs, why) } as const;
      return enterStopping(machine, at, { step: 'abort', ending, engine, readyAt });
    }
    case 'draining':
      return enterStopping(machine, at, {
        step: 'term',
        ending: state.ending,
        engine: state.engine,
        readyAt: state.readyAt,
      });
    case 'stopping':
      return onRungExpired(machine, state, at);
    case 'backing-off':
      return startEngine({ ...machine, restarts: machine.restarts + 1 }, at, 'restart after a failure');
  }
}

/** The next rung of the stop ladder, or giving up where the last did not help. `hasEngine` stays: no start beside it. */
function onRungExpired(machine: Machine, state: State & { name: 'stopping' }, at: number): Transition {
  const { policy, incarnation } = machine;
  const giveUp = (diagnosis: ReturnType<typeof removeTimeout>): Transition =>
    enter(machine, { name: 'given-up', diagnosis }, at, null, {
      type: 'record',
      kind: 'given-up',
      data: { incarnation, signature: diagnosis.signature, cause: diagnosis.cause },
    });
  const { ending, engine, readyAt } = state;
  switch (state.step) {
    case 'await-launch':
      return giveUp(launchUnanswered(policy.launchGraceMs));
    case 'term':
    case 'abort':
      return enterStopping(machine, at, { step: 'kill', ending, engine, readyAt });
    case 'kill':
      return enterStopping(machine, at, { step: 'remove', ending, engine, readyAt });
    case 'remove':
      return giveUp(removeTimeout(policy.removeTimeoutMs));
  }
}
