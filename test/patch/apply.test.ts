import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile, link } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  applyToDirectory,
  directoryTree,
  installPlugin,
  loadSeries,
  planDirectory,
  readRecord,
  restoreDirectory,
  type Series,
  uninstallPlugin,
  verifySeries,
} from '../../src/patch/index.ts';
import {
  patchedSource,
  samplePath,
  sampleSource,
  writeFiles,
  writeSampleSeries,
  writeSampleTree,
} from './sample-series.ts';

let root: string;
let tree: string;
let series: Series;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'stepctl-apply-'));
  tree = join(root, 'site');
  await writeSampleSeries(join(root, 'patches'));
  await writeSampleTree(tree, '0.16.0');
  series = await loadSeries(join(root, 'patches'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const plan = (ids: readonly string[] = ['sample']) => planDirectory({ folder: tree, series, ids });
const apply = async (ids?: readonly string[]) => applyToDirectory(tree, await plan(ids));
const text = (): Promise<string> => readFile(join(tree, samplePath), 'utf8');
const filesOf = async () =>
  (await plan()).files.map((file) => ({ path: file.path, sha256: file.after.sha256 }));

describe('applying to a folder', () => {
  it('writes once and then finds nothing to do', async () => {
    expect((await apply()).written).toEqual([samplePath]);
    expect(await text()).toBe(patchedSource);
    expect(await apply()).toEqual({ written: [], unchanged: [samplePath], restored: [] });
    expect((await plan()).patches[0]?.outcome).toBe('applies');
  });

  it('keeps the mode and removes bytecode of the old text only', async () => {
    await chmod(join(tree, samplePath), 0o664);
    const cache = 'vllm/layers/__pycache__';
    await writeFiles(tree, {
      [`${cache}/experts.cpython-311.pyc`]: '',
      [`${cache}/experts.cpython-311.opt-1.pyc`]: '',
      [`${cache}/experts_more.cpython-311.pyc`]: '',
    });
    await apply();
    expect((await stat(join(tree, samplePath))).mode & 0o777).toBe(0o664);
    expect(await readdir(join(tree, cache))).toEqual(['experts_more.cpython-311.pyc']);
  });

  it('leaves alone the copy that a package cache shares by hard link', async () => {
    await link(join(tree, samplePath), join(root, 'cached.py'));
    await apply();
    expect(await readFile(join(root, 'cached.py'), 'utf8')).toBe(sampleSource);
  });

  it('finishes a run that was cut off after any write', async () => {
    await apply();
    await writeFile(join(tree, samplePath), sampleSource); // the record is written, the file is not
    expect((await apply()).written).toEqual([samplePath]);
    expect(await text()).toBe(patchedSource);
  });

  it('puts back what a patch changed that is no longer wanted', async () => {
    await apply();
    expect((await apply([])).restored).toEqual([samplePath]);
    expect(await text()).toBe(sampleSource);
    expect(await readRecord(tree)).toBeNull();
  });

  it('restores every file and forgets the record', async () => {
    await apply();
    expect(await restoreDirectory(tree)).toEqual([samplePath]);
    expect(await text()).toBe(sampleSource);
    expect(await restoreDirectory(tree)).toEqual([]);
  });

  it('refuses to write over a patched file that somebody changed, and to restore it', async () => {
    await apply();
    await writeFile(join(tree, samplePath), `${patchedSource}# mine\n`);
    await expect(apply()).rejects.toMatchObject({
      code: 'STEP_PATCH_CHANGED',
      details: { file: samplePath },
    });
    await expect(restoreDirectory(tree)).rejects.toMatchObject({ code: 'STEP_PATCH_CHANGED' });
    expect(await text()).toContain('# mine');
  });

  it('takes a tree afresh once another release was installed over it', async () => {
    await apply();
    await writeSampleTree(tree, '0.15.1', `# older\n${sampleSource}`);
    expect((await apply()).written).toEqual([samplePath]);
    expect((await readRecord(tree))?.vllm).toBe('0.15.1');
  });

  it('refuses a folder without vllm/', async () => {
    const empty = planDirectory({ folder: root, series, ids: ['sample'] });
    await expect(empty).rejects.toMatchObject({ code: 'STEP_PATCH_TREE' });
  });
});

describe('verifying', () => {
  it('tells ok, changed and missing apart, file by file', async () => {
    const files = await filesOf();
    const status = async () => (await verifySeries({ files, tree: directoryTree(tree) })).files[0]?.status;
    expect(await status()).toBe('changed');
    await apply();
    expect(await status()).toBe('ok');
    await rm(join(tree, samplePath));
    expect(await status()).toBe('missing');
  });
});

describe('plugins', () => {
  it('are installed with an entry point, replaced by a later version, removed without a trace', async () => {
    const patch = series.patches.find((candidate) => candidate.id === 'sample-plugin');
    if (patch === undefined) throw new Error('no plugin');
    const before = await readdir(tree);
    await installPlugin(tree, patch, '1.0');
    await installPlugin(tree, patch, '2.0');
    const names = await readdir(tree);
    expect(names).toContain('sample_plugin-2.0.dist-info');
    expect(names).not.toContain('sample_plugin-1.0.dist-info');
    const points = await readFile(join(tree, 'sample_plugin-2.0.dist-info', 'entry_points.txt'), 'utf8');
    expect(points).toBe('[vllm.general_plugins]\nsample_plugin = sample_plugin:register\n');
    await uninstallPlugin(tree, patch);
    expect(await readdir(tree)).toEqual(before);
  });
});
