import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { judgeAdvisories } from '../../src/doctor/checks/release.ts';
import { advisories, advisoriesFor, unfixedAdvisories } from '../../src/vllm/index.ts';

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

test.each(advisories.filter(({ by }) => by === 'proxy' || by === 'scope').map(({ id }) => id))(
  'what the table says of %s has a test of the proxy that shows it',
  (id) => {
    const titles = readFileSync(resolve(import.meta.dirname, '../proxy/cve.test.ts'), 'utf8');
    expect(titles).toContain(id);
  },
);

test('an advisory without a fix on record counts for no release alone, and is told beside them', () => {
  expect(unfixedAdvisories().map(({ id }) => id)).toContain('PYSEC-2026-3704');
  expect(judgeAdvisories('0.32.0', advisoriesFor('0.32.0'), unfixedAdvisories())).toMatchObject({
    status: 'pass',
    evidence: expect.stringContaining('without a range on record: PYSEC-2026-3704') as string,
  });
});

test('a critical hole that nothing covers blocks, another one warns', () => {
  const hole = { id: 'X-1', since: null, fixed: '9.0.0', what: 'x', by: null, cover: null } as const;
  expect(judgeAdvisories('1.0.0', [{ ...hole, severity: 'critical' }], []).status).toBe('fail');
  expect(judgeAdvisories('1.0.0', [{ ...hole, severity: 'other' }], []).status).toBe('warn');
});
