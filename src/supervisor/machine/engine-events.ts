import { afterFailure } from './aftermath.ts';
import { enter, enterStopping, forgetFailures, startEngine, stay } from './enter.ts';
import { isLater } from './phases.ts';
import type { Machine, SupervisorEvent, Transition } from './types.ts';

type Of<Type extends SupervisorEvent['type']> = SupervisorEvent & { type: Type };

export function onLaunched(machine: Machine, event: Of<'launched'>): Transition {
  const { state, incarnation } = machine;
  const { engine, at } = event;
  const record = {
    type: 'record',
    kind: 'launched',
    data: { incarnation, engineId: engine.engineId },
  } as const;
  if (state.name === 'starting' && state.engine === null) {
    return stay({ ...machine, state: { ...state, engine } }, record, { type: 'probe', incarnation });
  }
  if (state.name === 'stopping' && state.step === 'await-launch') {
    return enterStopping(machine, at, { ...state, step: 'term', engine });
  }
  // Nobody waits for it any more: it must not stay.
  return stay(machine, record, { type: 'destroy', incarnation });
}

export function onLaunchFailed(machine: Machine, event: Of<'launch-failed'>): Transition {
  const { state } = machine;
  const gone: Machine = { ...machine, hasEngine: false };
  if (state.name === 'starting') return afterFailure(machine, { ...event, readyAt: null });
  if (state.name === 'stopping') return onGone(machine, { ...event, type: 'gone' });
  return stay(gone);
}

export function onPhase(machine: Machine, event: Of<'phase'>): Transition {
  const { state } = machine;
  if (state.name !== 'starting') return stay(machine);
  const { phase, progress, at } = event;
  if (phase === state.phase) {
    // A second bar of the same phase begins anew at 0: the display keeps what it reached.
    const reached = progress === null ? state.progress : Math.max(progress, state.progress ?? 0);
    return stay({ ...machine, state: { ...state, progress: reached } });
  }
  if (!isLater(phase, state.phase)) return stay(machine);
  return stay(
    { ...machine, state: { ...state, phase, progress, phaseAt: at } },
    { type: 'record', kind: 'phase', data: { incarnation: machine.incarnation, phase } },
  );
}

/** The only way to ready: the probe of this very incarnation passed. */
export function onProbePassed(machine: Machine, event: Of<'probe-passed'>): Transition {
  const { state, policy, incarnation } = machine;
  if (state.name !== 'starting' || state.engine === null) return stay(machine);
  const loadMs = event.at - machine.enteredAt;
  const next: Machine = { ...machine, failedStarts: 0, deterministic: null };
  return enter(
    next,
    { name: 'ready', engine: state.engine, readyAt: event.at },
    event.at,
    policy.healthIntervalMs,
    { type: 'record', kind: 'ready', data: { incarnation, loadMs: Math.round(loadMs) } },
  );
}

/** While it starts by the readiness probe or its own processes; while it serves only by the latter. */
export function onProbeRefused(machine: Machine, event: Of<'probe-refused'>): Transition {
  const { state, incarnation } = machine;
  const isUp = state.name === 'ready' || state.name === 'suspect';
  if (!isUp && (state.name !== 'starting' || state.engine === null)) return stay(machine);
  const { diagnosis, at } = event;
  const [next, effects] = enterStopping(machine, at, {
    step: 'term',
    ending: { kind: 'refused', diagnosis },
    engine: state.engine,
    readyAt: isUp ? state.readyAt : null,
  });
  const data = { incarnation, signature: diagnosis.signature, cause: diagnosis.cause };
  return [next, [{ type: 'record', kind: 'refused', data }, ...effects]];
}

/** Health is a hint: bad makes suspect, good again makes ready, and neither ends an engine at once. */
export function onHealth(machine: Machine, event: Of<'health'>): Transition {
  const { state, policy, incarnation } = machine;
  const { at, why, isHealthy } = event;
  if (state.name === 'ready' && !isHealthy) {
    const { engine, readyAt } = state;
    const next = { name: 'suspect', engine, readyAt, suspectAt: at, why } as const;
    const waitMs = Math.min(policy.healthIntervalMs, policy.suspectTimeoutMs);
    return enter(machine, next, at, waitMs, { type: 'record', kind: 'suspect', data: { incarnation, why } });
  }
  if (state.name === 'suspect' && isHealthy) {
    const { engine, readyAt } = state;
    const record = { type: 'record', kind: 'healthy-again', data: { incarnation } } as const;
    return enter(machine, { name: 'ready', engine, readyAt }, at, policy.healthIntervalMs, record);
  }
  return stay(machine);
}

export function onDrained(machine: Machine, event: Of<'drained'>): Transition {
  const { state } = machine;
  if (state.name !== 'draining') return stay(machine);
  const { ending, engine, readyAt } = state;
  return enterStopping(machine, event.at, { step: 'term', ending, engine, readyAt });
}

/** The main process ended. Whatever its code: unasked is a crash (vLLM ends with 0 when its core was killed). */
export function onExited(machine: Machine, event: Of<'exited'>): Transition {
  const { state, incarnation } = machine;
  const { exit, at } = event;
  const record = {
    type: 'record',
    kind: 'exited',
    data: { incarnation, ...exit, state: state.name },
  } as const;
  switch (state.name) {
    case 'starting':
    case 'ready':
    case 'suspect':
    case 'draining': {
      const ending = state.name === 'draining' ? state.ending : ({ kind: 'crash' } as const);
      const readyAt = state.name === 'starting' ? null : state.readyAt;
      const [next, effects] = enterStopping(machine, at, {
        step: 'remove',
        ending,
        engine: state.engine,
        readyAt,
      });
      return [next, [record, ...effects]];
    }
    case 'stopping': {
      if (state.step === 'remove') return stay(machine, record);
      const [next, effects] = enterStopping(machine, at, { ...state, step: 'remove' });
      return [next, [record, ...effects]];
    }
    case 'stopped':
    case 'backing-off':
    case 'given-up':
      return stay(machine, record);
  }
}

/** Nothing is left of the engine: what its end was for comes next. */
export function onGone(machine: Machine, event: Of<'gone'>): Transition {
  const { state, incarnation } = machine;
  const gone: Machine = { ...machine, hasEngine: false };
  if (state.name !== 'stopping') return stay(gone);
  const { ending, readyAt } = state;
  switch (ending.kind) {
    case 'stop': {
      const record = {
        type: 'record',
        kind: 'stopped',
        data: { incarnation, reason: ending.reason },
      } as const;
      return enter(forgetFailures(gone), { name: 'stopped' }, event.at, null, record);
    }
    case 'restart':
      return startEngine(forgetFailures(gone), event.at, ending.reason);
    case 'crash':
      return afterFailure(machine, { ...event, readyAt });
    case 'refused':
    case 'hung':
      return afterFailure(machine, { ...event, diagnosis: ending.diagnosis, readyAt });
  }
}

export function onRemoveFailed(machine: Machine, event: Of<'remove-failed'>): Transition {
  const { state, incarnation } = machine;
  if (state.name !== 'stopping') return stay(machine);
  const { diagnosis } = event;
  const data = { incarnation, signature: diagnosis.signature, cause: diagnosis.cause };
  return enter(machine, { name: 'given-up', diagnosis }, event.at, null, {
    type: 'record',
    kind: 'given-up',
    data,
  });
}
