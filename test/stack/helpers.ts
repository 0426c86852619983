import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { StepError } from '../../src/lib/index.ts';
import { type ResolvedStack, type ResolveInput, resolveStack } from '../../src/stack/index.ts';

/** An empty folder that goes away with the test, with a stepctl.yaml where text is given. */
export async function makeFolder(stackFile?: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'stepctl-stack-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  if (stackFile !== undefined) await writeFile(join(folder, 'stepctl.yaml'), stackFile);
  return folder;
}

/** Resolves with nothing given but what the test says; the machine would pick demo. */
export async function resolveWith(
  input: Partial<ResolveInput> & { stackFile?: string },
): Promise<ResolvedStack> {
  const { stackFile, ...rest } = input;
  return resolveStack({
    cwd: await makeFolder(stackFile),
    env: {},
    sets: [],
    flags: {},
    extraArgs: [],
    pickProfile: async () => ({ profile: 'demo', why: 'no NVIDIA GPU was found' }),
    ...rest,
  });
}

/** The StepError that a promise rejects with. */
export async function refusalOf(promise: Promise<unknown>): Promise<StepError> {
  const thrown: unknown = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  if (thrown instanceof StepError) return thrown;
  throw new Error('was not refused', { cause: thrown });
}
