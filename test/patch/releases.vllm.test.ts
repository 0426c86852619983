import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  applyToDirectory,
  detectVersion,
  directoryTree,
  loadReleases,
  loadSeries,
  measuredPatches,
  measuredRow,
  modulesOf,
  patchesDir,
  planDirectory,
  planSeries,
  readWheel,
  restoreDirectory,
  rowOf,
} from '../../src/patch/index.ts';
import { releaseSources } from '../fixtures/vllm-releases.ts';
import { memoryTree } from './helpers.ts';

const ids = ['swiglustep-nvfp4-moe'];
const root = 'vllm/model_executor';
const patchedFiles = [
  `${root}/layers/fused_moe/cutlass_moe.py`,
  `${root}/layers/fused_moe/fused_marlin_moe.py`,
  `${root}/layers/quantization/compressed_tensors/compressed_tensors_moe.py`,
  `${root}/models/step3p5.py`,
];

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'stepctl-releases-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const series = await loadSeries(patchesDir());

describe('the shipped measurement of every release', () => {
  const patches = measuredPatches(series);
  const remeasure = async (version: string, tree: Parameters<typeof planSeries>[0]['tree']) => {
    const releases = await loadReleases(patchesDir());
    const plan = await planSeries({ series, ids: patches.map((patch) => patch.id), version, tree });
    expect(plan.patches.map(rowOf)).toEqual(patches.map((patch) => measuredRow(releases, patch, version)));
  };

  it.each(['0.15.1', '0.16.0', '0.17.0', '0.20.2', '0.32.0'])('holds for vLLM %s', async (version) => {
    await remeasure(version, directoryTree(await releaseSources(version)));
  });

  it('holds for the newest release, read out of its wheel', async () => {
    const newest = (await loadReleases(patchesDir())).releases.at(-1);
    if (newest === undefined) throw new Error('no release was measured');
    const { signal } = new AbortController();
    const wheel = { ...newest, paths: modulesOf(patches), signal };
    await remeasure(newest.version, await readWheel(wheel));
  });
});

describe('the swiglustep patch on released sources', () => {
  it.each([
    ['0.15.1', 'applies'],
    ['0.16.0', 'applies'],
    ['0.17.0', 'already-upstream'],
    ['0.20.2', 'already-upstream'],
    ['0.32.0', 'already-upstream'],
  ])('vLLM %s: %s', async (version, outcome) => {
    const folder = await releaseSources(version);
    expect(await detectVersion(directoryTree(folder), folder)).toBe(version);
    const plan = await planDirectory({ folder, series, ids });
    expect(plan.patches.map((patch) => patch.outcome)).toEqual([outcome]);
    expect(plan.patches[0]?.problems).toEqual([]);
    expect(new Set(plan.patches[0]?.edits.map((edit) => edit.state))).toEqual(
      new Set([outcome === 'applies' ? 'needed' : 'present']),
    );
    expect(plan.files.map((file) => file.path)).toEqual(outcome === 'applies' ? patchedFiles : []);
  });

  it.each(['0.15.1', '0.16.0'])(
    'vLLM %s compiles once patched, and comes back byte for byte',
    async (version) => {
      const source = await releaseSources(version);
      const folder = join(scratch, version);
      await cp(source, folder, { recursive: true });
      const { written } = await applyToDirectory(folder, await planDirectory({ folder, series, ids }));
      expect(written).toEqual(patchedFiles);
      await execa('python3', ['-m', 'py_compile', ...patchedFiles], { cwd: folder });
      const again = await planDirectory({ folder, series, ids });
      expect((await applyToDirectory(folder, again)).written).toEqual([]);
      await restoreDirectory(folder);
      for (const path of patchedFiles) {
        expect(await readFile(join(folder, path), 'utf8')).toBe(await readFile(join(source, path), 'utf8'));
      }
    },
  );

  it('leaves the FP8 class of the same file as it is', async () => {
    const folder = await releaseSources('0.16.0');
    const plan = await planDirectory({ folder, series, ids });
    const text = plan.files[0]?.after.text ?? '';
    const [fp8, fp4] = text.split('class CutlassExpertsFp4');
    expect(fp8).not.toContain('"swiglustep"');
    expect(fp4).toContain('"swiglustep"');
  });

  it('still fits when lines move: comments and empty lines anywhere', async () => {
    const tree = directoryTree(await releaseSources('0.16.0'));
    const texts = await Promise.all(patchedFiles.map(async (path) => (await tree.read(path)) ?? ''));
    const places = fc.array(fc.tuple(fc.nat(), fc.constantFrom('', '# moved', '\t')), {
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(places, async (insertions) => {
        const files = Object.fromEntries(
          patchedFiles.map((path, index) => [path, insertLines(texts[index] ?? '', insertions)]),
        );
        const plan = await planSeries({ series, ids, version: '0.16.0', tree: memoryTree(files) });
        expect(plan.patches[0]?.problems).toEqual([]);
        expect(plan.files.map((file) => file.path)).toEqual(patchedFiles);
      }),
      { numRuns: 20 },
    );
  });
});

/** Comments at the depth of the line they stand above: the grammar takes one of a smaller depth for the end of a block. */
function insertLines(text: string, insertions: readonly (readonly [number, string])[]): string {
  const lines = text.split('\n');
  for (const [place, line] of insertions) {
    const at = place % lines.length;
    const indent = /^[ ]*/.exec(lines[at] ?? '')?.[0] ?? '';
    lines.splice(at, 0, line.startsWith('#') ? indent + line : line);
  }
  return lines.join('\n');
}
