import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  compareVersions,
  isWithin,
  knownReleases,
  nearestRelease,
  resolveRelease,
} from '../../src/vllm/index.ts';

test.each([
  ['0.9.0', '0.16.0', -1],
  ['0.16.0', '0.16', 0],
  ['v0.16.0', '0.16.0+cpu', 0],
  ['0.16.0rc2', '0.16.0', -1],
  ['0.16.0rc2', '0.16.0rc10', -1],
  ['0.16.0.dev3', '0.16.0rc1', -1],
  ['0.16.0.post1', '0.16.0', 1],
  ['0.1.dev16944', '0.15.1', -1],
  ['0.16.0-cu130', '0.16.0', 0],
])('%s against %s', (left, right, expected) => {
  expect(Math.sign(compareVersions(left, right))).toBe(expected);
  expect(Math.sign(compareVersions(right, left))).toBe(expected === 0 ? 0 : -expected);
});

test('comparing orders: reflexive and antisymmetric for any text', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (left, right) => {
      expect(compareVersions(left, left)).toBe(0);
      expect(Math.sign(compareVersions(left, right)) + Math.sign(compareVersions(right, left))).toBe(0);
    }),
  );
});

test('a range is closed below and open above', () => {
  expect([
    isWithin('0.17.0', '0.17.0', '0.18.0'),
    isWithin('0.18.0', '0.17.0', '0.18.0'),
    isWithin('9', null, null),
  ]).toEqual([true, false, true]);
});

test('the table of releases is in order', () => {
  expect(knownReleases().toSorted(compareVersions)).toEqual(knownReleases());
});

test.each([
  ['0.15.0', null],
  ['0.16.1', '0.16.0'],
  ['0.99.0', '0.33.0'],
  ['0.32.0', '0.32.0'],
])('the nearest known release of %s is %s', (version, expected) => {
  expect(nearestRelease(version)).toBe(expected);
});

test.each([
  ['0.16.0', '0.16.0', true],
  ['v0.16.0+cpu', '0.16.0', true],
  ['0.99.0', '0.33.0', false],
  ['0.18.0.dev12', '0.18.0', false],
  ['0.18.0rc1', '0.18.0', false],
  ['0.22.0.post1', '0.22.0', false],
  ['0.1.dev16944', '0.33.0', false],
  ['nightly', '0.33.0', false],
])('%s is told by the row of %s, and it is that very build: %s', (asked, version, isExact) => {
  expect(resolveRelease(asked)).toMatchObject({ version, isExact });
});

test('a release before the architecture has no row', () => {
  expect([resolveRelease('0.15.0'), resolveRelease('0.9.2')]).toEqual([null, null]);
});
