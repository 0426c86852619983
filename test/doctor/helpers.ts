import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ShapeName } from '../fixtures/nvidia-smi/shapes.ts';
import type { CheckResult, DoctorOptions, GpuFacts } from '../../src/doctor/index.ts';
import { runDoctor } from '../../src/doctor/index.ts';
import { noDetails } from '../../src/doctor/gpu/index.ts';
import { resolveStack, type Stack } from '../../src/stack/index.ts';

export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'stepctl-doctor-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A folder of small programs that stand for what a machine may have, to be the whole PATH: shell builtins only. */
export async function makePrograms(programs: Readonly<Record<string, string>>): Promise<string> {
  const folder = await makeFolder();
  for (const [name, body] of Object.entries(programs)) {
    await writeFile(join(folder, name), `#!/bin/sh\n${body}\n`);
    await chmod(join(folder, name), 0o755);
  }
  return folder;
}

/** Port 0 is always free: only the tests of the port take a real one. */
export async function stackOf(profile: string, sets: string[] = []): Promise<Stack> {
  const { stack } = await resolveStack({
    profile,
    cwd: '/nonexistent',
    env: {},
    sets: ['proxy.listen=127.0.0.1:0', ...sets],
    flags: {},
    extraArgs: [],
    pickProfile: () => Promise.reject(new Error('a profile is named')),
  });
  return stack;
}

/** Runs the doctor on an empty home and returns one check. */
export async function checkOf(
  id: string,
  profile: string,
  options: Partial<DoctorOptions> & { sets?: string[] } = {},
): Promise<CheckResult> {
  const { sets, env, ...rest } = options;
  const home = await makeFolder();
  const report = await runDoctor({
    stack: await stackOf(profile, sets),
    env: { HOME: home, PATH: process.env['PATH'], ...env },
    gpus: [],
    ...rest,
  });
  const found = report.checks.find((check) => check.id === id);
  if (found === undefined) throw new Error(`no check ${id}`);
  return found;
}

export const bigGpu = (index: number, more: Partial<GpuFacts> = {}): GpuFacts => ({
  index,
  uuid: `GPU-${index}`,
  name: 'NVIDIA RTX PRO 6000 Blackwell',
  memoryBytes: 97_887 * 1024 * 1024,
  computeCapability: '12.0',
  driver: '595.58',
  details: noDetails,
  ...more,
});

/** A folder that holds a fake nvidia-smi of this shape and nothing else, to be the whole PATH. */
export function makeSmi(shape: ShapeName, programs: Readonly<Record<string, string>> = {}): Promise<string> {
  const fake = resolve(import.meta.dirname, '../fixtures/nvidia-smi/fake-nvidia-smi.ts');
  return makePrograms({ 'nvidia-smi': `exec '${process.execPath}' '${fake}' '${shape}' "$@"`, ...programs });
}

/** A folder with files, to stand for the root of a machine's proc and sys. */
export async function makeRoot(files: Readonly<Record<string, string>>): Promise<string> {
  const root = await makeFolder();
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
}
