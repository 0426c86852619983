import { rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Reporter, StepError } from '../../lib/index.ts';

/** Repositories that the carried hub has, and how each is made. */
export const builtinRepos = {
  'stepctl/tiny-step3p5-nvfp4': { format: 'nvfp4', swiglustep: true },
  'stepctl/tiny-step3p5-bf16': { format: 'bf16', swiglustep: true },
  'stepctl/tiny-step3p5-nvfp4-silu': { format: 'nvfp4', swiglustep: false },
} as const;

/** Bump when the writer's output changes: an older folder is then not taken for the new one. */
export const writerVersion = 3;

/** Folder of a carried model, written once (23 shards, from seed 1) and complete or absent, never half. */
export async function makeBuiltinModel(repo: string, modelsDir: string, reporter: Reporter): Promise<string> {
  const shape = builtinRepos[repo as keyof typeof builtinRepos];
  if (shape === undefined) {
    throw new StepError('STEP_MODEL_REPO_UNKNOWN', {
      verdict: `the hub that stepctl carries has no ${repo}`,
      reason: `it has ${Object.keys(builtinRepos).join(', ')}`,
      next: '--set model.hub=default to ask the real hub',
    });
  }
  const dir = join(modelsDir, `${repo.replace('/', '--')}-v${writerVersion}`);
  if ((await stat(dir).catch(() => null)) !== null) return dir;
  const { writeTinyCheckpoint } = await import('../../model/index.ts');
  const half = `${dir}.${process.pid}.half`;
  await rm(half, { recursive: true, force: true });
  const made = await writeTinyCheckpoint(half, { seed: 1, shards: 23, ...shape });
  await rename(half, dir).catch(async (error: NodeJS.ErrnoException) => {
    await rm(half, { recursive: true, force: true });
    // Another stepctl was faster with the very same bytes.
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  });
  reporter.stage(
    'model',
    `made the scripted tiny model ${repo} (${made.tensors} tensors in 23 shards) for the hub that stepctl carries`,
  );
  return dir;
}
