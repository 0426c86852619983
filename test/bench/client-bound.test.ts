import { describe, expect, it } from 'vitest';
import { watchLoop } from '../../src/bench/load/loop-watch.ts';
import { judgeClient } from '../../src/bench/measure/client-bound.ts';

describe('judgeClient', () => {
  it.each([
    ['an idle loop', 0.1, 1, 10, false],
    ['a loop that is hardly ever idle', 0.8, 1, 10, true],
    ['a late loop beside fast tokens', 0.1, 8, 10, true],
    ['the same lateness beside slow tokens', 0.1, 8, 60, false],
    ['a late loop and no token time', 0.1, 8, null, true],
  ])('of %s', (_name, loopUtilisation, loopDelayP99Ms, tpot, isBound) => {
    expect(judgeClient({ loopUtilisation, loopDelayP99Ms, cpuShare: 0 }, tpot).isBound).toBe(isBound);
  });
});

describe('watchLoop', () => {
  it('counts work of this process as a busy loop', () => {
    const watch = watchLoop();
    const until = process.cpuUsage().user + 60_000;
    while (process.cpuUsage().user < until) Math.sqrt(until);
    const load = watch.stop();
    expect(load.loopUtilisation).toBeGreaterThan(0.9);
    expect(load.cpuShare).toBeGreaterThan(0);
  });
});
