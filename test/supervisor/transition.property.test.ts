import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMachine } from '../../src/supervisor/machine/enter.ts';
import { transition } from '../../src/supervisor/machine/transition.ts';
import type { Machine } from '../../src/supervisor/machine/types.ts';
import { diagnosis, eventOf, policy, type Step } from './machine.ts';

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constantFrom<Step>(
    'start',
    'stop',
    'restart',
    'launched',
    'passed',
    'exited',
    'sick',
    'well',
    'drained',
    'timer',
    'remove-failed',
  ),
  fc.record({ gone: fc.boolean().map((deterministic) => diagnosis({ deterministic })) }),
  fc.record({ launchFailed: fc.boolean().map((deterministic) => diagnosis({ deterministic })) }),
  fc.record({ refused: fc.constant(diagnosis({ signature: 'wrong-answer', deterministic: true })) }),
);
const policies = fc.constantFrom(
  policy,
  { ...policy, drainMs: 1_000 },
  { ...policy, maxCrashes: 100, maxFailedStarts: 100 },
);

/** The world's side: whether an engine may exist, which makes some events impossible. */
interface World {
  engine: 'none' | 'ordered' | 'alive' | 'dead';
}

/** True when the event can happen in this world; applies it. */
function happens(world: World, one: Step): boolean {
  if (one === 'launched') {
    if (world.engine !== 'ordered') return false;
    world.engine = 'alive';
  } else if (typeof one === 'object' && 'launchFailed' in one) {
    if (world.engine !== 'ordered') return false;
    world.engine = 'none';
  } else if (one === 'exited') {
    if (world.engine !== 'alive') return false;
    world.engine = 'dead';
  } else if (typeof one === 'object' && 'gone' in one) {
    if (world.engine !== 'alive' && world.engine !== 'dead') return false;
    world.engine = 'none';
  } else if (
    one === 'passed' ||
    one === 'sick' ||
    one === 'well' ||
    (typeof one === 'object' && 'refused' in one)
  ) {
    return world.engine === 'alive' || world.engine === 'dead';
  }
  return true;
}

function run(
  own: typeof policy,
  steps: readonly Step[],
  look: (machine: Machine, world: World, one: Step, before: Machine) => void,
): void {
  let machine = createMachine(own);
  const world: World = { engine: 'none' };
  let at = 0;
  for (const one of steps) {
    if (!happens(world, one)) continue;
    at = one === 'timer' && machine.deadlineAt !== null ? Math.max(at, machine.deadlineAt) : at + 7;
    const before = machine;
    const [next, effects] = transition(machine, eventOf(one, machine, at));
    machine = next;
    for (const effect of effects) {
      if (effect.type !== 'start') continue;
      expect(world.engine).toBe('none');
      world.engine = 'ordered';
    }
    look(machine, world, one, before);
  }
}

test('no start is ordered while an engine may exist', () => {
  fc.assert(
    fc.property(policies, fc.array(step, { maxLength: 60 }), (own, steps) =>
      run(own, steps, (machine, world) => {
        expect(machine.hasEngine || world.engine === 'none').toBe(true);
      }),
    ),
    { numRuns: 1_000 },
  );
});

test('ready is entered only by a probe that passed in this incarnation, or by health after it', () => {
  fc.assert(
    fc.property(policies, fc.array(step, { maxLength: 60 }), (own, steps) => {
      let passed = 0;
      run(own, steps, (machine, _world, one) => {
        if (one === 'passed' && machine.state.name === 'ready') passed = machine.incarnation;
        if (machine.state.name === 'ready' || machine.state.name === 'suspect')
          expect(passed).toBe(machine.incarnation);
      });
    }),
    { numRuns: 1_000 },
  );
});

test('every state that no person has to end has a deadline', () => {
  fc.assert(
    fc.property(policies, fc.array(step, { maxLength: 60 }), (own, steps) =>
      run(own, steps, (machine) => {
        const waitsForPerson = machine.state.name === 'stopped' || machine.state.name === 'given-up';
        expect(machine.deadlineAt === null).toBe(waitsForPerson);
      }),
    ),
    { numRuns: 1_000 },
  );
});

test('time alone ends starting, suspect, draining and stopping; a wait ends in a start', () => {
  fc.assert(
    fc.property(policies, fc.array(step, { maxLength: 60 }), (own, steps) =>
      run(own, steps, (machine) => {
        let now = machine;
        for (let count = 0; count < 40; count += 1) {
          if (['stopped', 'given-up', 'ready', 'backing-off'].includes(now.state.name)) break;
          [now] = transition(now, { type: 'timer', at: now.deadlineAt ?? 0, token: now.timer });
        }
        expect(['stopped', 'given-up', 'ready', 'backing-off']).toContain(now.state.name);
        if (now.state.name !== 'backing-off') return;
        [now] = transition(now, { type: 'timer', at: now.deadlineAt ?? 0, token: now.timer });
        expect(now.state.name).toBe('starting');
      }),
    ),
    { numRuns: 300 },
  );
});

test('given up, nothing but a person starts an engine', () => {
  fc.assert(
    fc.property(policies, fc.array(step, { maxLength: 60 }), (own, steps) =>
      run(own, steps, (machine, _world, one, before) => {
        if (before.state.name !== 'given-up' || one === 'start' || one === 'restart') return;
        expect(['given-up', 'stopped', 'stopping']).toContain(machine.state.name);
      }),
    ),
    { numRuns: 500 },
  );
});
