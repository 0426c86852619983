import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  compareVersions,
  isWithin,
  knownReleases,
  lookUpSwitch,
  nearestRelease,
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
  const versions = knownReleases.map(({ version }) => version);
  expect(versions.toSorted(compareVersions)).toEqual(versions);
});

test.each([
  ['0.15.0', null],
  ['0.16.1', '0.16.0'],
  ['0.99.0', '0.33.0'],
  ['0.32.0', '0.32.0'],
])('the nearest known release of %s is %s', (version, expected) => {
  expect(nearestRelease(version)?.version ?? null).toBe(expected);
});

test.each([
  ['--moe-backend', '0.16.0', 'too-new'],
  ['--moe-backend', '0.17.0', 'works'],
  ['--disable-cascade-attn', '0.32.0', 'no-effect'],
  ['--disable-cascade-attn', '0.33.0', 'removed'],
  ['VLLM_USE_FLASHINFER_MOE_FP4', '0.32.0', 'removed'],
  ['--anything-else', '0.32.0', null],
])('%s in %s: %s', (name, version, expected) => {
  expect(lookUpSwitch(name, version)).toBe(expected);
});
