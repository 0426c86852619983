import { mkdir, mkdtemp, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  applyToDirectory,
  loadKnownSeries,
  loadSeries,
  planDirectory,
  refuseConflicts,
  restoreDirectory,
} from '../../src/patch/index.ts';
import { sha256 } from '../../src/patch/hash.ts';
import {
  patchedSource,
  samplePath,
  sampleSource,
  writeFiles,
  writeSampleSeries,
  writeSampleTree,
} from './sample-series.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'stepctl-bad-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

const newModule = '--- /dev/null\n+++ b/vllm/extra/new.py\n@@ -0,0 +1 @@\n+x = 1\n';
const change = `--- a/${samplePath}\n+++ b/${samplePath}\n@@ -1,3 +1,3 @@\n class Fp4:\n     def supports(a):\n-        return a in ["silu"]\n+        return a in ["silu", "step"]\n`;

function diffPatch(id: string, text: string, extra = ''): Record<string, string> {
  const yaml = `id: ${id}\ntitle: Sample\nkind: diff\nupstream: { url: https://example.org/pull/1, state: open, since: null }\ndiff: { file: change.diff, sha256: ${sha256(text)} }\n${extra}`;
  return { [`${id}/patch.yaml`]: yaml, [`${id}/change.diff`]: text };
}

async function seriesOf(ids: readonly string[], files: Record<string, string>) {
  const folder = join(home, 'series');
  await writeSampleSeries(folder, { 'series.yaml': `patches: [${ids.join(', ')}]\n`, ...files });
  return loadSeries(folder);
}

describe('a patch of kind diff', () => {
  it('changes and adds files, is done once, and is undone whole', async () => {
    const tree = join(home, 'tree');
    await writeSampleTree(tree, '0.16.0');
    const series = await seriesOf(['one'], diffPatch('one', change + newModule));
    const apply = async () =>
      applyToDirectory(tree, await planDirectory({ folder: tree, series, ids: ['one'] }));
    expect((await apply()).written).toEqual([samplePath, 'vllm/extra/new.py']);
    expect(await readFile(join(tree, samplePath), 'utf8')).toBe(patchedSource);
    expect(await readFile(join(tree, 'vllm/extra/new.py'), 'utf8')).toBe('x = 1\n');
    expect((await apply()).written).toEqual([]);
    expect(await restoreDirectory(tree)).toEqual([samplePath, 'vllm/extra/new.py']);
    expect(await readFile(join(tree, samplePath), 'utf8')).toBe(sampleSource);
    await expect(stat(join(tree, 'vllm/extra/new.py'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is refused when its diff is not the pinned one', async () => {
    const files = { ...diffPatch('one', change), 'one/change.diff': change.replace('"step"', '"stop"') };
    await expect(seriesOf(['one'], files)).rejects.toMatchObject({
      code: 'STEP_PATCH_SERIES',
      verdict: expect.stringContaining('is not the diff that was pinned') as string,
    });
  });

  it('on a release outside its range that does not have it is an error of its own', async () => {
    const tree = join(home, 'tree');
    await writeSampleTree(tree, '0.16.0');
    const series = await seriesOf(['one'], diffPatch('one', change, "range: '>=0.30.0'\n"));
    const plan = await planDirectory({ folder: tree, series, ids: ['one'] });
    expect(() => refuseConflicts(plan)).toThrowError(
      expect.objectContaining({
        code: 'STEP_PATCH_RANGE',
        reason: 'made for vLLM >=0.30.0; this is 0.16.0 and does not have it by itself',
      }),
    );
  });
});

describe('one patch that fails', () => {
  it('does not hide what became of the others, and nothing is written', async () => {
    const tree = join(home, 'tree');
    await writeSampleTree(tree, '0.16.0');
    const misfit = change.replace('class Fp4', 'class Gone').replaceAll(samplePath, 'vllm/gone.py');
    const series = await seriesOf(['bad', 'sample'], diffPatch('bad', misfit));
    const plan = await planDirectory({ folder: tree, series, ids: ['bad', 'sample'] });
    expect(plan.patches.map(({ id, outcome }) => [id, outcome])).toEqual([
      ['bad', 'conflict'],
      ['sample', 'applies'],
    ]);
    await expect(applyToDirectory(tree, plan)).rejects.toMatchObject({
      code: 'STEP_PATCH_ANCHOR',
      reason: expect.stringContaining('nothing was changed; the other patches: sample: applies') as string,
    });
    expect(await readFile(join(tree, samplePath), 'utf8')).toBe(sampleSource);
  });

  it('because of a symbolic link in the tree is a conflict of its own, for file and folder alike', async () => {
    const series = await seriesOf(['sample', 'one'], diffPatch('one', newModule));
    for (const linked of [samplePath, 'vllm/layers']) {
      const tree = join(home, `tree-${linked.replaceAll('/', '-')}`);
      await writeSampleTree(tree, '0.16.0');
      await mkdir(join(home, 'shared'), { recursive: true });
      const elsewhere = join(home, 'shared', linked.replaceAll('/', '-'));
      await rename(join(tree, linked), elsewhere);
      await symlink(elsewhere, join(tree, linked));
      const plan = await planDirectory({ folder: tree, series, ids: ['sample', 'one'] });
      expect(plan.patches.map(({ outcome }) => outcome)).toEqual(['conflict', 'applies']);
      expect(plan.patches[0]?.reason).toContain('is reached through a symbolic link');
    }
  });
});

describe('patches of the user', () => {
  it('come after the shipped ones, and may not take the name of one', async () => {
    const env = { XDG_CONFIG_HOME: home };
    const own = (id: string): Promise<void> =>
      writeFiles(join(home, 'stepctl', 'patches'), {
        'series.yaml': `patches: [${id}]\n`,
        ...diffPatch(id, change),
      });
    await own('mine');
    expect((await loadKnownSeries(env)).patches.at(-1)).toMatchObject({ id: 'mine', origin: 'added' });
    await own('cpu-emulation');
    await expect(loadKnownSeries(env)).rejects.toMatchObject({
      code: 'STEP_PATCH_SERIES',
      reason: 'stepctl ships a patch called cpu-emulation itself',
    });
  });
});
