import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadSeries, patchesDir, type PatchPlan } from '../../src/patch/index.ts';
import { type Case, casesOf, kinds } from './mutations/corpus.ts';
import { judgeAll, type Verdict } from './mutations/judge.ts';
import { readSource, type SourceKey, sourcePaths } from './mutations/source.ts';
import {
  type Applied,
  applyEdits,
  applyWithGit,
  applyWithPatch,
  makeBench,
  seriesFor,
} from './mutations/tools.ts';

const tools = ['stepctl', 'GNU patch', 'git apply --3way'] as const;
type Tool = (typeof tools)[number];
const outcomes = ['rightly', 'refused', 'wrongly'] as const;
type Outcome = (typeof outcomes)[number];

const cases: Case[] = [];
/** What the judge must tell apart: each release as the series makes it, and as it was. */
const known: Case[] = [];
const refusals = new Map<string, PatchPlan>();
let verdicts: ReadonlyMap<string, Verdict> = new Map();
let scratch: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'stepctl-mutations-'));
  const series = await loadSeries(patchesDir());
  const bench = await makeBench(scratch);
  const results = new Map<string, Record<string, string>>();
  let seed = 1;
  for (const version of ['0.15.1', '0.16.0']) {
    for (const key of Object.keys(sourcePaths) as SourceKey[]) {
      const part = seriesFor(series, key);
      const source = await readSource(version, key, async (path, text) => {
        const applied = await applyEdits(part, path, text, version);
        if ('refused' in applied) throw new Error(applied.refused);
        return applied.text;
      });
      const sample: Case = {
        id: `${version} ${key}`,
        kind: 'anchor gone',
        what: 'nothing',
        text: source.text,
        source,
      };
      results.set(sample.id, { patched: source.patched, untouched: source.text });
      known.push(sample);
      const diff = await bench.diff(source.path, source.text, source.patched);
      for (const one of casesOf(source, (seed += 100_003))) {
        const [edits, patched, merged] = await Promise.all([
          applyEdits(part, source.path, one.text, version),
          applyWithPatch(bench, one.text, diff),
          applyWithGit(bench, source.path, one.text, diff),
        ]);
        const made: Record<Tool, Applied> = {
          stepctl: edits,
          'GNU patch': patched,
          'git apply --3way': merged,
        };
        if ('plan' in made.stepctl && made.stepctl.plan !== undefined)
          refusals.set(one.id, made.stepctl.plan);
        const texts = Object.entries(made).flatMap(([tool, applied]) =>
          'text' in applied ? [[tool, applied.text] as const] : [],
        );
        results.set(one.id, Object.fromEntries(texts));
        cases.push(one);
      }
    }
  }
  verdicts = await judgeAll([...known, ...cases], results);
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

function outcome(id: string, tool: Tool): Outcome {
  const wrong = verdicts.get(id)?.wrong[tool];
  if (wrong === undefined) return 'refused';
  return wrong === null ? 'rightly' : 'wrongly';
}

const count = (tool: Tool, wanted: Outcome, among: readonly Case[]): number =>
  among.filter((one) => outcome(one.id, tool) === wanted).length;

function table(): string {
  const head = ['mutation', 'cases', ...tools.map((tool) => `${tool}: rightly/refused/wrongly`)];
  const row = (name: string, among: readonly Case[]): string[] => [
    name,
    String(among.length),
    ...tools.map((tool) => outcomes.map((wanted) => count(tool, wanted, among)).join(' / ')),
  ];
  const rows = [
    head,
    ...kinds.map((kind) =>
      row(
        kind,
        cases.filter((one) => one.kind === kind),
      ),
    ),
    row('all', cases),
  ];
  const widths = head.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  return rows
    .map((cells) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .join('\n');
}

describe('the swiglustep patch on mutated releases', () => {
  it('has at least 200 sources, all of them Python and all different', () => {
    process.stdout.write(`${table()}\n`);
    expect(cases.filter((one) => verdicts.get(one.id)?.compiles !== true).map((one) => one.id)).toEqual([]);
    expect(new Set(cases.map((one) => one.text)).size).toBeGreaterThanOrEqual(200);
  });

  it('never gives a wrong file', () => {
    const wrong = cases.filter((one) => outcome(one.id, 'stepctl') === 'wrongly');
    expect(wrong.map((one) => `${one.id}: ${verdicts.get(one.id)?.wrong['stepctl']}`)).toEqual([]);
  });

  it('names with every refusal the anchor, its file and what stands there', () => {
    for (const [id, { problems }] of refusals) {
      expect(problems, id).not.toEqual([]);
      for (const { anchor, file, problem, found } of problems) {
        expect([anchor, file, problem, found], id).not.toContain('');
      }
    }
  });

  it('is taken whole by every source that only looks another way', () => {
    const layouts = new Set(['lines inserted', 'definitions moved', 'decorators added', 'reformatted']);
    const refused = cases.filter((one) => layouts.has(one.kind) && outcome(one.id, 'stepctl') !== 'rightly');
    expect(refused.map((one) => one.id)).toEqual([]);
  });

  it('is judged by what tells the patched release from the released one', () => {
    expect(known.length).toBe(8);
    for (const { id } of known) {
      expect(verdicts.get(id)?.wrong['patched'], id).toBeNull();
      expect(verdicts.get(id)?.wrong['untouched'], id).not.toBeNull();
    }
  });
});
