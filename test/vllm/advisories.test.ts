import { expect, test } from 'vitest';
import { advisoriesFor } from '../../src/vllm/index.ts';

test('the default release has no advisory that is known to be open', () => {
  expect(advisoriesFor('0.32.0')).toEqual([]);
});

test('0.31.0 is open to the two of chat templates only', () => {
  expect(advisoriesFor('0.31.0').map(({ id }) => id)).toEqual(['CVE-2026-115911', 'CVE-2026-115918']);
});

test('the release of the model card is open to the key bypass, and the table says what covers it', () => {
  expect(advisoriesFor('0.16.0').find(({ id }) => id === 'CVE-2026-48746')).toMatchObject({
    severity: 'critical',
    cover: expect.stringContaining('proxy') as string,
  });
});
