import { describe, expect, test } from 'vitest';
import { crashWindow } from '../../src/supervisor/machine/aftermath.ts';
import { transition } from '../../src/supervisor/machine/transition.ts';
import { diagnosis, policy, type Step, walk } from './machine.ts';

const up: Step[] = ['start', 'launched', 'passed'];
const crash = (parts = {}): Step[] => ['exited', { gone: diagnosis(parts) }];
const failedStart = (parts = {}): Step[] => ['launched', ...crash(parts)];

/** From stopped, these steps lead to that state (and rung), and the last one does that. */
const table: [string, Step[], string, string[]][] = [
  ['a start orders an engine', ['start'], 'starting', ['start']],
  ['a launched engine is probed', ['start', 'launched'], 'starting', ['probe']],
  ['a passed probe makes it ready', up, 'ready', []],
  ['a probe that passes before the launch is known counts for nothing', ['start', 'passed'], 'starting', []],
  ['a second start is no second engine', [...up, 'start'], 'ready', []],
  ['ready looks at health when its time is up', [...up, 'timer'], 'ready', ['check-health']],
  ['bad health is only suspect', [...up, 'sick'], 'suspect', []],
  ['suspect and well again is ready', [...up, 'sick', 'well'], 'ready', []],
  [
    'suspect for too long is hung: its stacks first',
    [...up, 'sick', ...Array<Step>(8).fill('timer')],
    'stopping abort',
    ['quiesce', 'SIGABRT'],
  ],
  [
    'an exit with code 0 that nobody asked for is a crash',
    [...up, 'exited'],
    'stopping remove',
    ['quiesce', 'destroy'],
  ],
  ['after a crash comes a wait', [...up, ...crash()], 'backing-off', []],
  ['after the wait comes a start', [...up, ...crash(), 'timer'], 'starting', ['start']],
  ['an exit during the start is a failed start', ['start', ...failedStart()], 'backing-off', []],
  [
    'a launch that fails leaves nothing to remove',
    ['start', { launchFailed: diagnosis() }],
    'backing-off',
    [],
  ],
  [
    'a start that takes too long is hung',
    ['start', 'launched', 'timer'],
    'stopping abort',
    ['quiesce', 'SIGABRT'],
  ],
  [
    'a refused answer stops the engine',
    ['start', 'launched', { refused: diagnosis() }],
    'stopping term',
    ['quiesce', 'SIGTERM'],
  ],
  [
    'an engine that serves and whose processes turn out not to be what was built is stopped too',
    [...up, { refused: diagnosis() }],
    'stopping term',
    ['quiesce', 'SIGTERM'],
  ],
  ['a stop begins with SIGTERM', [...up, 'stop'], 'stopping term', ['quiesce', 'SIGTERM']],
  [
    'SIGTERM without effect is followed by SIGKILL',
    [...up, 'stop', 'timer'],
    'stopping kill',
    ['quiesce', 'SIGKILL'],
  ],
  [
    'SIGKILL without effect is followed by the removal',
    [...up, 'stop', 'timer', 'timer'],
    'stopping remove',
    ['quiesce', 'destroy'],
  ],
  ['a removal without end gives up', [...up, 'stop', 'timer', 'timer', 'timer'], 'given-up', []],
  ['a failed removal gives up', [...up, 'stop', 'exited', 'remove-failed'], 'given-up', []],
  [
    'given up with an engine that may live, a start removes it first',
    [...up, 'stop', 'exited', 'remove-failed', 'start'],
    'stopping remove',
    ['quiesce', 'destroy'],
  ],
  [
    'a stopped engine is removed also when it ended by itself',
    [...up, 'stop', 'exited'],
    'stopping remove',
    ['quiesce', 'destroy'],
  ],
  ['a stop ends stopped', [...up, 'stop', ...crash()], 'stopped', []],
  ['a restart ends in a start', [...up, 'restart', ...crash()], 'starting', ['start']],
  [
    'a start asked for during a stop happens after it',
    [...up, 'stop', 'start', ...crash()],
    'starting',
    ['start'],
  ],
  [
    'a stop asked for after a crash wins over the restart',
    [...up, 'exited', 'stop', { gone: diagnosis() }],
    'stopped',
    [],
  ],
  [
    'a stop while the launch is unknown waits for it',
    ['start', 'stop'],
    'stopping await-launch',
    ['quiesce'],
  ],
  [
    'and stops what was launched then',
    ['start', 'stop', 'launched'],
    'stopping term',
    ['quiesce', 'SIGTERM'],
  ],
  ['or is done when the launch failed', ['start', 'stop', { launchFailed: diagnosis() }], 'stopped', []],
  [
    'an engine that turns up after giving up is removed',
    ['start', 'stop', 'timer', 'launched'],
    'given-up',
    ['destroy'],
  ],
  ['a stop during the wait ends it', [...up, ...crash(), 'stop'], 'stopped', []],
  ['a restart during the wait ends it', [...up, ...crash(), 'restart'], 'starting', ['start']],
  ['a stop of nothing is nothing', ['stop'], 'stopped', []],
];

describe('transition table', () => {
  test.each(table)('%s', (_title, steps, state, deeds) => {
    const { machine, deeds: done } = walk(steps);
    const { state: now } = machine;
    expect(now.name === 'stopping' ? `stopping ${now.step}` : now.name).toBe(state);
    expect(done).toEqual(deeds);
  });

  test('with a drain time, a stop drains first and its deadline cuts it', () => {
    const draining = { ...policy, drainMs: 5_000 };
    expect(walk([...up, 'stop'], draining)).toMatchObject({
      machine: { state: { name: 'draining' } },
      deeds: ['quiesce', 'drain'],
    });
    for (const end of ['drained', 'timer'] as const) {
      expect(walk([...up, 'stop', end], draining).deeds).toEqual(['quiesce', 'SIGTERM']);
    }
  });

  test('an event of an earlier engine changes nothing', () => {
    const { machine } = walk([...up, ...crash(), 'timer', 'launched']);
    const [after, effects] = transition(machine, { type: 'probe-passed', at: 1, incarnation: 1 });
    expect([after, effects]).toEqual([machine, []]);
  });

  test('a timer of an earlier state changes nothing', () => {
    const { machine } = walk(up);
    expect(transition(machine, { type: 'timer', at: 1, token: machine.timer - 1 })[0]).toBe(machine);
  });
});

const phase = (steps: [string, number | null][]) => {
  let { machine } = walk(['start', 'launched']);
  for (const [name, progress] of steps) {
    const event = { type: 'phase', at: 1, incarnation: 1, phase: name, progress } as Parameters<
      typeof transition
    >[1];
    [machine] = transition(machine, event);
  }
  return machine.state;
};

describe('startup phases', () => {
  test('they only move forward', () => {
    expect(
      phase([
        ['weights', 0.5],
        ['imports', null],
      ]),
    ).toMatchObject({ phase: 'weights', progress: 0.5 });
  });
  test('progress inside one does not go back', () => {
    expect(
      phase([
        ['weights', 0.5],
        ['weights', 0.1],
        ['weights', null],
      ]),
    ).toMatchObject({ progress: 0.5 });
  });
});

const waitOf = (steps: Step[], own = policy, gapMs = 10) => {
  const { machine } = walk(steps, own, gapMs);
  return machine.state.name === 'backing-off'
    ? (machine.deadlineAt ?? 0) - machine.enteredAt
    : machine.state.name;
};
const patient = { ...policy, maxFailedStarts: 100, maxCrashes: 100 };
const again = (times: number): Step[] =>
  Array.from({ length: times }, (): Step[] => [...failedStart(), 'timer']).flat();

describe('restart policy', () => {
  test.each([
    [0, 1_000],
    [1, 2_000],
    [2, 4_000],
    [3, 8_000],
    [4, 8_000],
    [40, 8_000],
  ])('after %i failures the wait is at most %i ms', (failures, waitMs) => {
    expect(waitOf(['start', ...again(failures), ...failedStart()], patient)).toBe(waitMs);
  });
  test('an engine that was ready for ten minutes restarts at once, and the doubling begins anew', () => {
    const minutes = 11 * 60_000;
    expect(waitOf([...up, ...crash()], patient, minutes)).toBe(0);
  });
  test('one that was ready for less waits', () => {
    expect(waitOf([...up, ...crash()], patient, 60_000)).toBe(1_000);
  });
  test('three starts in a row that never get ready give up', () => {
    expect(waitOf(['start', ...again(2), ...failedStart()])).toBe('given-up');
  });
  test('the same deterministic failure twice in a row gives up', () => {
    const sure = { signature: 'unknown-flag', deterministic: true };
    expect(waitOf(['start', ...failedStart(sure)])).toBe(1_000);
    expect(waitOf(['start', ...failedStart(sure), 'timer', ...failedStart(sure)])).toBe('given-up');
  });
  test('two different deterministic failures do not', () => {
    const steps = [
      ...failedStart({ signature: 'a', deterministic: true }),
      'timer',
      ...failedStart({ signature: 'b', deterministic: true }),
    ];
    expect(waitOf(['start', ...(steps as Step[])])).toBe(2_000);
  });
  test('a refused answer counts as what the probe said, whatever the log says', () => {
    const wrong = diagnosis({ signature: 'wrong-answer', deterministic: true });
    const round: Step[] = ['launched', { refused: wrong }, ...crash()];
    const { machine } = walk(['start', ...round, 'timer', ...round]);
    expect(machine.state).toEqual({ name: 'given-up', diagnosis: wrong });
  });
  test('a build that is not what it should be gets no second start', () => {
    const wrong = diagnosis({ signature: 'runtime-proof', deterministic: true, isFinal: true });
    const { machine } = walk(['start', 'launched', { refused: wrong }, ...crash()]);
    expect(machine.state).toEqual({ name: 'given-up', diagnosis: wrong });
  });
  test('five crashes in the window give up, though each engine was ready', () => {
    const life: Step[] = ['launched', 'passed', ...crash(), 'timer'];
    expect(waitOf(['start', ...Array.from({ length: 5 }, () => life).flat()])).toBe('given-up');
  });
  test('a crash every nine minutes after an eight-minute load fills the window too', () => {
    const load = 8 * 60_000;
    expect(crashWindow(policy, load)).toBe(Math.max(policy.crashWindowMs, 5 * (load + policy.backoffMaxMs)));
  });
  test("a person's start forgets earlier failures", () => {
    const { machine } = walk(['start', ...again(2), ...failedStart(), 'start']);
    expect(machine).toMatchObject({ failedStarts: 0, crashes: [], state: { name: 'starting' } });
  });
});
