import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { summarise, summariseWeighted } from '../../src/bench/statistics/distribution.ts';
import { findPeakRate, findSteadyWindow, rateInWindow } from '../../src/bench/statistics/windows.ts';
import { recordOf } from './helpers.ts';

const finite = fc.double({ min: -1e6, max: 1e6, noNaN: true });

describe('summarise', () => {
  it.each([
    ['one', [7], { n: 1, p50: 7, p90: 7, max: 7, p99: null }],
    ['even: the lower middle, a measured value', [4, 1, 3, 2], { n: 4, p50: 2, p90: 4, mean: 2.5 }],
    ['nulls are left out', [null, 5, null], { n: 1, p50: 5 }],
    ['nothing', [], { n: 0, p50: null, mean: null, max: null }],
  ])('of %s', (_name, values, expected) => {
    expect(summarise(values)).toMatchObject(expected);
  });

  it('gives a p99 only from 100 samples on', () => {
    const values = Array.from({ length: 100 }, (_, index) => index + 1);
    expect(summarise(values)).toMatchObject({ p50: 50, p90: 90, p95: 95, p99: 99, max: 100 });
    expect(summarise(values.slice(1)).p99).toBeNull();
  });

  it('only gives percentiles that were measured, in order, between min and max', () => {
    fc.assert(
      fc.property(fc.array(finite, { minLength: 1, maxLength: 300 }), (values) => {
        const { p50, p90, p95, p99, min, max } = summarise(values);
        const given = [min, p50, p90, p95, ...(p99 === null ? [] : [p99]), max].map(
          (value) => value ?? Number.NaN,
        );
        for (const value of given) expect(values).toContain(value);
        expect(given).toEqual(given.toSorted((a, b) => a - b));
      }),
    );
  });

  it('is the textbook nearest rank', () => {
    fc.assert(
      fc.property(fc.array(finite, { minLength: 1, maxLength: 200 }), (values) => {
        const sorted = values.toSorted((a, b) => a - b);
        expect(summarise(values).p90).toBe(sorted[Math.ceil((90 * values.length) / 100) - 1]);
      }),
    );
  });
});

describe('summariseWeighted', () => {
  it('is the same as repeating each value as often as its weight', () => {
    const sample = fc.record({ value: finite, weight: fc.integer({ min: 1, max: 9 }) });
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1, maxLength: 60 }), (samples) => {
        const repeated = samples.flatMap(({ value, weight }) => Array.from({ length: weight }, () => value));
        const { mean, ...weighted } = summariseWeighted(samples);
        const { mean: plainMean, ...plain } = summarise(repeated);
        expect(weighted).toEqual(plain);
        expect(mean).toBeCloseTo(plainMean ?? Number.NaN, 3);
      }),
    );
  });

  it('keeps exact ranks although thirds do not add up exactly', () => {
    const samples = Array.from({ length: 30 }, (_, index) => ({ value: index, weight: 1 / 3 }));
    expect(summariseWeighted(samples).p90).toBe(26);
  });
});

describe('findPeakRate', () => {
  it('counts tokens, not chunks, in the fullest sliding second', () => {
    const groups = [
      { at: 0, tokens: 1 },
      { at: 900, tokens: 5 },
      { at: 1500, tokens: 5 },
      { at: 3000, tokens: 2 },
    ];
    expect(findPeakRate(groups, 1000)).toBe(10);
    expect(findPeakRate([], 1000)).toBeNull();
  });

  it('is never below the mean rate over any one window nor above all tokens', () => {
    const group = fc.record({
      at: fc.integer({ min: 0, max: 5000 }),
      tokens: fc.integer({ min: 1, max: 4 }),
    });
    fc.assert(
      fc.property(fc.array(group, { minLength: 1, maxLength: 50 }), (groups) => {
        const total = groups.reduce((sum, each) => sum + each.tokens, 0);
        const peak = findPeakRate(groups, 1000) ?? 0;
        expect(peak).toBeLessThanOrEqual(total);
        expect(peak).toBeGreaterThanOrEqual(Math.max(...groups.map((each) => each.tokens)));
      }),
    );
  });
});

describe('findSteadyWindow', () => {
  it('leaves out ramp and stragglers', () => {
    const records = [
      recordOf({ sentAt: 0, endedAt: 100 }),
      recordOf({ sentAt: 10, endedAt: 110 }),
      recordOf({ sentAt: 100, endedAt: 200 }),
      recordOf({ sentAt: 110, endedAt: 500 }),
    ];
    const window = findSteadyWindow(records, 2);
    expect(window).toEqual({ fromMs: 10, toMs: 200 });
    const groups = [
      { at: 5, tokens: 100 },
      { at: 100, tokens: 10 },
      { at: 200, tokens: 9 },
      { at: 400, tokens: 100 },
    ];
    expect(rateInWindow(groups, { fromMs: 10, toMs: 200 })).toBe(100);
  });

  it('is null when the streams never all ran', () => {
    expect(findSteadyWindow([recordOf({ sentAt: 0, endedAt: 9 })], 2)).toBeNull();
    expect(findSteadyWindow([recordOf({ sentAt: null })], 1)).toBeNull();
  });
});
