import { expect, test } from 'vitest';
import { nearestName } from '../../src/lib/index.ts';

test.each([
  ['tensorParalel', 'tensorParallel'],
  ['tensor-parallel', 'tensorParallel'],
  ['maxmodellen', 'maxModelLen'],
  ['nmae', 'name'],
  ['xyz', null],
  ['', null],
])('%s is taken for %s', (asked, expected) => {
  expect(nearestName(asked, ['tensorParallel', 'maxModelLen', 'name'])).toBe(expected);
});
