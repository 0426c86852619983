import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadSeries, patchesDir, planSeries, refuseConflicts, type Series } from '../../src/patch/index.ts';
import { memoryTree } from './helpers.ts';
import {
  patchedSource,
  samplePath,
  sampleSource,
  upstreamSource,
  writeSampleSeries,
} from './sample-series.ts';

let folder: string;
let series: Series;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stepctl-plan-'));
  await writeSampleSeries(folder);
  series = await loadSeries(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const gone = 'class Fp4:\n    def supports(a):\n        return True\n';

const isProbed = async (version: string, source: string): Promise<boolean | undefined> => {
  const plan = await planSeries({
    series,
    ids: ['sample'],
    version,
    tree: memoryTree({ [samplePath]: source }),
  });
  return plan.patches[0]?.isProbed;
};

const outcomeOn = async (platform: 'cpu' | 'cuda'): Promise<string | undefined> => {
  const plan = await planSeries({
    series,
    ids: ['sample-plugin'],
    version: '0.16.0',
    tree: memoryTree({}),
    platform,
  });
  return plan.patches[0]?.outcome;
};

describe('planning', () => {
  it.each([
    ['0.14.1', sampleSource, 'not-needed', 'Too old for it'],
    ['0.15.1', sampleSource, 'applies', 'It lacks the change'],
    ['0.16.0', sampleSource, 'applies', 'It lacks the change'],
    ['0.16.0rc2', sampleSource, 'applies', 'It lacks the change'],
    ['0.16.0', patchedSource, 'already-upstream', 'found in the tree'],
    ['0.16.0', gone, 'conflict', 'lost their anchor'],
    ['0.17.0', upstreamSource, 'already-upstream', 'https://example.org/change/1'],
    ['0.32.0', upstreamSource, 'already-upstream', 'vLLM has this change itself'],
    ['0.17.0', sampleSource, 'conflict', 'still lacks supports-step'],
    ['0.40.0', gone, 'not-needed', 'the probe decides'],
  ])('vLLM %s with %j is %s', async (version, source, outcome, reason) => {
    const plan = await planSeries({
      series,
      ids: ['sample'],
      version,
      tree: memoryTree({ [samplePath]: source }),
    });
    expect(plan.patches.map((patch) => patch.outcome)).toEqual([outcome]);
    expect(plan.patches[0]?.reason).toContain(reason);
    expect(plan.files.map((file) => file.after.text)).toEqual(outcome === 'applies' ? [patchedSource] : []);
  });

  it('asks the probe wherever the change must be there, whoever made it', async () => {
    expect(await isProbed('0.16.0', sampleSource)).toBe(true);
    expect(await isProbed('0.17.0', upstreamSource)).toBe(true);
    expect(await isProbed('0.40.0', gone)).toBe(true);
    expect(await isProbed('0.14.1', sampleSource)).toBe(false);
  });

  it('refuses a conflict with anchor, file and what stands there now', async () => {
    const plan = await planSeries({
      series,
      ids: ['sample'],
      version: '0.16.0',
      tree: memoryTree({ [samplePath]: gone }),
    });
    expect(() => refuseConflicts(plan)).toThrow(
      expect.objectContaining({
        code: 'STEP_PATCH_ANCHOR',
        verdict: expect.stringContaining(samplePath),
        reason: expect.stringMatching(
          /holding "silu" in Fp4\.supports is not there; there now: [\s\S]*return True/,
        ),
      }),
    );
  });

  it('gives a plugin to its platform only', async () => {
    expect(await outcomeOn('cpu')).toBe('applies');
    expect(await outcomeOn('cuda')).toBe('not-needed');
  });

  it('refuses a patch nobody knows', async () => {
    const planning = planSeries({ series, ids: ['nope'], version: '0.16.0', tree: memoryTree({}) });
    await expect(planning).rejects.toMatchObject({
      code: 'STEP_PATCH_UNKNOWN',
      reason: 'the series holds sample, sample-plugin',
    });
  });
});

describe('the series', () => {
  it('that stepctl ships is valid', async () => {
    const shipped = await loadSeries(patchesDir());
    expect(shipped.patches.map((patch) => patch.id)).toContain('swiglustep-nvfp4-moe');
  });

  it.each([
    [
      'a key nobody knows',
      { 'sample/patch.yaml': 'id: sample\ntitle: x\nkind: plugin\nplatform: cpu\nsurplus: 1\n' },
      'sample/patch.yaml',
    ],
    ['text that is no YAML', { 'series.yaml': 'patches: [a\n' }, 'series.yaml'],
    ['a folder that is not there', { 'series.yaml': 'patches: [ghost]\n' }, 'ghost/patch.yaml'],
    [
      'a folder with another name',
      {
        'series.yaml': 'patches: [other]\n',
        'other/patch.yaml':
          'id: sample\ntitle: x\nkind: plugin\nplatform: cpu\nplugin: { name: a, module: a, function: a, file: a.py }\n',
      },
      'calls itself sample',
    ],
    [
      'a path out of vllm/',
      { 'sample/patch.yaml': 'modules: ../../etc/passwd\nid: sample\n' },
      'sample/patch.yaml',
    ],
  ])('is refused with %s', async (_name, files, verdict) => {
    const broken = await mkdtemp(join(tmpdir(), 'stepctl-series-'));
    await writeSampleSeries(broken, files);
    await expect(loadSeries(broken)).rejects.toMatchObject({
      code: 'STEP_PATCH_SERIES',
      verdict: expect.stringContaining(verdict),
    });
    await rm(broken, { recursive: true, force: true });
  });
});
