import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addRange,
  bytesIn,
  gapsOf,
  nextPart,
  noRanges,
  partLength,
  type RangeSet,
  removeRange,
  wholePrefix,
} from '../../../src/model/download/ranges.ts';

const size = 64;
const range = fc
  .tuple(fc.nat(size), fc.nat(size))
  .map(([a, b]) => ({ start: Math.min(a, b), end: Math.max(a, b) }));
const setOf = (ranges: readonly { start: number; end: number }[]): RangeSet =>
  ranges.reduce<RangeSet>(addRange, noRanges);
const bits = (set: RangeSet): boolean[] =>
  Array.from({ length: size }, (_, i) => set.some((r) => r.start <= i && i < r.end));
const isCanonical = (set: RangeSet): boolean =>
  set.every((r, i) => r.start < r.end && (i === 0 || (set[i - 1]?.end ?? 0) < r.start));

describe('range sets', () => {
  it('hold exactly the bytes that were added and not removed, in canonical form', () => {
    fc.assert(
      fc.property(fc.array(range), fc.array(range), (added, removed) => {
        const set = removed.reduce<RangeSet>(removeRange, setOf(added));
        const model = bits(setOf(added)).map(
          (has, i) => has && !removed.some((r) => r.start <= i && i < r.end),
        );
        expect(bits(set)).toEqual(model);
        expect(isCanonical(set)).toBe(true);
        expect(bytesIn(set)).toBe(model.filter(Boolean).length);
        const first = model.indexOf(false);
        expect(wholePrefix(set)).toBe(first === -1 ? size : first);
      }),
    );
  });

  it('and their gaps cover a file exactly once', () => {
    fc.assert(
      fc.property(fc.array(range), (added) => {
        const set = setOf(added);
        expect(bits(gapsOf(set, size))).toEqual(bits(set).map((has) => !has));
      }),
    );
  });
});

describe('parts', () => {
  it('cover what is missing exactly once, none longer than allowed', () => {
    fc.assert(
      fc.property(fc.array(range), fc.integer({ min: 1, max: 20 }), (stored, length) => {
        let taken = setOf(stored);
        let asked = 0;
        for (let part = nextPart(taken, size, length); part !== null; part = nextPart(taken, size, length)) {
          expect(part.end - part.start).toBeLessThanOrEqual(length);
          expect(
            gapsOf(taken, size).some(
              (gap) => gap.start <= (part?.start ?? -1) && (part?.end ?? 0) <= gap.end,
            ),
          ).toBe(true);
          asked += part.end - part.start;
          taken = addRange(taken, part);
        }
        expect(asked).toBe(size - bytesIn(setOf(stored)));
      }),
    );
  });

  it.each([
    [1000, 4, 64],
    [400, 4, 56],
    [64, 4, 8],
    [1, 4, 8],
    [0, 4, 8],
  ])(
    'are sized so that %i bytes left over %i connections give parts of %i',
    (left, connections, expected) => {
      expect(partLength(left, connections, { partBytes: 64, unitBytes: 8 })).toBe(expected);
    },
  );
});
