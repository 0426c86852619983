import { enter, enterStopping, forgetFailures, startEngine, stay } from './enter.ts';
import type { AskedEnding, Machine, Transition } from './types.ts';

/** Somebody wants an engine. Never a second one: where one may exist, its end comes first. */
export function onStartAsked(machine: Machine, at: number): Transition {
  const { state } = machine;
  const ending: AskedEnding = { kind: 'restart', reason: 'start asked' };
  switch (state.name) {
    case 'stopped':
    case 'backing-off':
      return startEngine(forgetFailures(machine), at, 'asked');
    case 'given-up':
      return machine.hasEngine
        ? enterStopping(machine, at, { step: 'remove', ending, engine: null, readyAt: null })
        : startEngine(forgetFailures(machine), at, 'asked');
    case 'draining':
      return stay({ ...machine, state: { ...state, ending } });
    case 'stopping':
      return state.ending.kind === 'stop' ? stay({ ...machine, state: { ...state, ending } }) : stay(machine);
    case 'starting':
    case 'ready':
    case 'suspect':
      return stay(machine);
  }
}

/** Somebody wants none, or another one. */
export function onEndAsked(machine: Machine, at: number, ending: AskedEnding): Transition {
  const { state, policy, incarnation } = machine;
  switch (state.name) {
    case 'stopped':
    case 'backing-off':
    case 'given-up':
      if (ending.kind === 'restart') return onStartAsked(machine, at);
      if (state.name === 'stopped') return stay(machine);
      if (machine.hasEngine)
        return enterStopping(machine, at, { step: 'remove', ending, engine: null, readyAt: null });
      return enter(forgetFailures(machine), { name: 'stopped' }, at, null, {
        type: 'record',
        kind: 'stopped',
        data: { reason: ending.reason },
      });
    case 'starting': {
      const { engine } = state;
      return enterStopping(machine, at, {
        step: engine === null ? 'await-launch' : 'term',
        ending,
        engine,
        readyAt: null,
      });
    }
    case 'ready':
    case 'suspect': {
      const { engine, readyAt } = state;
      if (policy.drainMs === 0) return enterStopping(machine, at, { step: 'term', ending, engine, readyAt });
      return enter(
        machine,
        { name: 'draining', engine, readyAt, ending },
        at,
        policy.drainMs,
        { type: 'quiesce', incarnation },
        { type: 'record', kind: 'draining', data: { incarnation, reason: ending.reason } },
        { type: 'drain', incarnation },
      );
    }
    case 'draining':
    case 'stopping':
      return stay({ ...machine, state: { ...state, ending } });
  }
}
