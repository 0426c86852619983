import { readFile, stat } from 'node:fs/promises';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { renderTable } from '../../scripts/vllm-releases/write-table.ts';
import { historyOf, knownReleases, type ReleaseFacts, releaseFacts } from '../../src/vllm/index.ts';
import { applyDeltas, makeDelta, noFacts } from '../../src/vllm/table/delta.ts';
import { factsSchema, tableSchema } from '../../src/vllm/table/schema.ts';
import { tableFile } from '../../src/vllm/table/table.ts';

const factsOf = (version: string): ReleaseFacts => {
  const facts = releaseFacts(version);
  if (facts === null) throw new Error(`no row of ${version}`);
  return facts;
};

test('the committed table is as its schema says, and small', async () => {
  tableSchema.parse(JSON.parse(await readFile(tableFile, 'utf8')));
  expect((await stat(tableFile)).size).toBeLessThan(300 * 1024);
});

test('the committed table is what the script writes of the facts in it', async () => {
  const facts = new Map(knownReleases().map((version) => [version, factsOf(version)]));
  expect(renderTable(facts)).toBe(await readFile(tableFile, 'utf8'));
});

test.each(knownReleases().map((version) => [version]))(
  '%s is told whole: the architecture, both parsers, a torch and a Python',
  (version) => {
    const facts = factsSchema.parse(factsOf(version));
    expect(facts.architectures).toEqual(expect.arrayContaining(['Step3p5ForCausalLM', 'Step3p5MTP']));
    expect([facts.reasoningParsers.includes('step3p5'), facts.toolParsers.includes('step3p5')]).toEqual([
      true,
      true,
    ]);
    expect(facts.nvfp4MoeBackends).toEqual(expect.arrayContaining(['VLLM_CUTLASS', 'MARLIN']));
    expect(facts.torch).toMatch(/^2\.1\d\.0$/);
    expect(facts.python).toContain('>=3.1');
    expect(Object.keys(facts.flags).length).toBeGreaterThan(200);
  },
);

test.each([
  ['--moe-backend', '0.17.0', null],
  ['--linear-backend', '0.22.0', null],
  ['--shutdown-timeout', '0.18.0', null],
  ['--disable-log-requests', null, '0.17.0'],
  ['--swap-space', null, '0.18.0'],
  ['--calculate-kv-scales', null, '0.28.0'],
  ['VLLM_USE_FLASHINFER_MOE_FP4', null, '0.24.0'],
  ['VLLM_TEST_FORCE_FP8_MARLIN', null, '0.29.0'],
])('%s came with %s and went with %s', (name, since, until) => {
  expect(historyOf(name)).toEqual({ since, until, isKnown: true });
});

test('a name that no release has is not known', () => {
  expect(historyOf('--no-such-flag').isKnown).toBe(false);
});

test('cascade attention: on before 0.18.0, off by default from then on, without effect from 0.32.0 on (vllm#36318)', () => {
  const row = (version: string) => factsOf(version).flags['--disable-cascade-attn'];
  expect([
    row('0.17.1')?.default,
    row('0.18.0')?.default,
    row('0.31.0')?.state,
    row('0.32.0')?.state,
  ]).toEqual([false, true, undefined, 'no effect']);
});

const rowArbitrary = fc.record({ type: fc.constantFrom('bool' as const, 'int' as const) });
const names = (prefix: string) =>
  fc.array(
    fc.string({ minLength: 1, maxLength: 4 }).map((text) => `${prefix}${text}`),
    { maxLength: 8 },
  );
const factsArbitrary = fc
  .record({
    torch: fc.string(),
    flags: fc.dictionary(
      fc.string({ minLength: 1, maxLength: 3 }).map((text) => `--${text}`),
      rowArbitrary,
    ),
    variables: fc.dictionary(
      fc.string({ minLength: 1, maxLength: 3 }),
      fc.record({ deprecated: fc.string() }),
    ),
    architectures: names('A').map((list) => [...new Set(list)].toSorted()),
  })
  .map((part): ReleaseFacts => ({ ...noFacts, ...part }));

test('a delta applied to what it was made against gives back the facts, for any two', () => {
  fc.assert(
    fc.property(factsArbitrary, factsArbitrary, (before, after) => {
      expect(applyDeltas(before, [makeDelta('1.0.0', before, after)])).toEqual(after);
    }),
  );
});
