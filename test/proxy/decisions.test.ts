import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AdmissionFacts, decideAdmission, rampWindow } from '../../src/proxy/admission/decide.ts';
import { FairQueue } from '../../src/proxy/admission/fair-queue.ts';
import { createRateLimiter } from '../../src/proxy/limits/rate.ts';
import { defaultTimers } from '../../src/proxy/index.ts';
import { decideSweep, type SweepFacts } from '../../src/proxy/sweep.ts';

describe('decideAdmission', () => {
  const facts: AdmissionFacts = {
    state: 'ready',
    hasEndpoint: true,
    readyInMs: null,
    isDraining: false,
    isHeld: false,
    inFlight: 0,
    window: 4,
    queued: 0,
    maxQueue: 2,
    hasVictim: false,
    remainingMs: 1_000,
  };
  const rows: readonly (readonly [string, Partial<AdmissionFacts>, string])[] = [
    ['ready and free', {}, 'forward'],
    ['suspect is still served', { state: 'suspect' }, 'forward'],
    ['ready without an address', { hasEndpoint: false }, 'wait'],
    ['starting', { state: 'starting', hasEndpoint: false }, 'wait'],
    ['starting with an address', { state: 'starting' }, 'wait'],
    ['a forward has just failed there', { isHeld: true }, 'wait'],
    ['full', { inFlight: 4 }, 'wait'],
    ['others wait: no overtaking', { queued: 1 }, 'wait'],
    ['queue full', { inFlight: 4, queued: 2 }, 'queue_full'],
    ['queue full of one key', { inFlight: 4, queued: 2, hasVictim: true }, 'wait, evicts'],
    ['no queue at all', { inFlight: 4, maxQueue: 0, hasVictim: true }, 'queue_full'],
    ['ready too late', { state: 'starting', readyInMs: 1_001 }, 'eta'],
    ['ready in time', { state: 'starting', readyInMs: 999 }, 'wait'],
    ['given up', { state: 'given-up' }, 'engine_unavailable'],
    ['draining', { isDraining: true }, 'draining'],
  ];
  it.each(rows)('%s', (_what, change, expected) => {
    const decision = decideAdmission({ ...facts, ...change });
    const text = decision.kind === 'shed' ? decision.reason : decision.kind;
    expect(decision.kind === 'wait' && decision.evicts ? `${text}, evicts` : text).toBe(expected);
  });
});

describe('rampWindow', () => {
  const base = { maxInFlight: 64, completed: 0, readyForMs: 0, rampStepMs: 1_000, isAfterCrash: true };
  it('opens from one, by time and by good ends, up to the maximum; only after a crash', () => {
    expect(rampWindow(base)).toBe(1);
    expect(rampWindow({ ...base, readyForMs: 3_000 })).toBe(8);
    expect(rampWindow({ ...base, completed: 1 })).toBe(3);
    expect(rampWindow({ ...base, readyForMs: 1e9 })).toBe(64);
    expect(rampWindow({ ...base, isAfterCrash: false })).toBe(64);
  });
});

describe('FairQueue', () => {
  const entry = (keyId: string, order: number) => ({ keyId, order });

  it('serves keys in turn and each key in order', () => {
    const queue = new FairQueue<ReturnType<typeof entry>>();
    for (const [key, order] of [
      ['a', 1],
      ['a', 2],
      ['a', 3],
      ['b', 1],
      ['c', 1],
    ] as const)
      queue.push(entry(key, order));
    const served = [...'12345'].map(() => queue.take()).map((each) => `${each?.keyId}${each?.order}`);
    expect(served).toEqual(['a1', 'b1', 'c1', 'a2', 'a3']);
    expect(queue.take()).toBeNull();
  });

  it('takes the newest of the longest key when another key needs room', () => {
    const queue = new FairQueue<ReturnType<typeof entry>>();
    for (const order of [1, 2, 3]) queue.push(entry('a', order));
    expect(queue.victimFor('b')).toEqual(entry('a', 3));
    expect(queue.victimFor('a')).toBeNull();
  });

  it('property: its size is what is in it, and what is put in comes out once', () => {
    const step = fc.oneof(fc.constantFrom('a', 'b', 'c'), fc.constant('take'), fc.constant('remove'));
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const queue = new FairQueue<{ keyId: string }>();
        const inside = new Set<{ keyId: string }>();
        for (const name of steps) {
          const [first] = inside;
          if (name === 'take') {
            const got = queue.take();
            expect(got === null ? inside.size === 0 : inside.delete(got)).toBe(true);
          } else if (name === 'remove') {
            if (first !== undefined) expect(queue.remove(first) && inside.delete(first)).toBe(true);
          } else {
            const made = { keyId: name };
            queue.push(made);
            inside.add(made);
          }
          expect(queue.size).toBe(inside.size);
          expect(queue.entries().length).toBe(inside.size);
        }
      }),
    );
  });
});

describe('decideSweep', () => {
  const facts: SweepFacts = {
    isStream: true,
    isCommitted: false,
    isAtBoundary: true,
    arrivedAtMs: 0,
    forwardedAtMs: null,
    lastWriteAtMs: 0,
    blockedSinceMs: null,
  };
  const rows: readonly (readonly [string, Partial<SweepFacts>, number, string])[] = [
    ['young', {}, 9_000, 'none'],
    ['a stream that waits', {}, 11_000, 'commit'],
    ['no stream', { isStream: false }, 11_000, 'none'],
    ['silence on an open stream', { isCommitted: true }, 11_000, 'heartbeat'],
    ['silence in the middle of an event', { isCommitted: true, isAtBoundary: false }, 11_000, 'none'],
    ['a reader that is slow', { isCommitted: true, blockedSinceMs: 0 }, 59_000, 'none'],
    ['a reader that is too slow', { isCommitted: true, blockedSinceMs: 0 }, 61_000, 'slow-reader'],
    ['too long in all', { forwardedAtMs: 0, isStream: false }, 3_700_000, 'timeout'],
  ];
  it.each(rows)('%s', (_what, change, nowMs, action) => {
    expect(decideSweep({ ...facts, ...change }, defaultTimers, true, nowMs)).toBe(action);
  });
});

describe('the rate limiter', () => {
  it('lets a burst through, then one by one, and tells how long to wait', () => {
    const rate = createRateLimiter(2);
    expect([rate.take('a', 0), rate.take('a', 0), rate.take('a', 0)]).toEqual([0, 0, 30_000]);
    expect(rate.take('b', 0)).toBe(0);
    expect(rate.take('a', 30_000)).toBe(0);
  });
});
