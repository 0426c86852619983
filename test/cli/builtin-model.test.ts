import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { builtinRepos, makeBuiltinModel, writerVersion } from '../../src/cli/up/builtin-model.ts';
import { silentReporter } from '../../src/lib/index.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stepctl-builtin-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function digestOf(folder: string): Promise<string> {
  const hash = createHash('sha256');
  for (const name of (await readdir(folder)).toSorted())
    hash.update(name).update(await readFile(join(folder, name)));
  return hash.digest('hex').slice(0, 16);
}

it('carried models are kept by writer version: other bytes need another version, or an old folder is taken for the new one', async () => {
  const digests: Record<string, string> = {};
  for (const repo of Object.keys(builtinRepos)) {
    digests[repo] = await digestOf(await makeBuiltinModel(repo, dir, silentReporter));
  }
  expect({ writerVersion, digests }).toMatchInlineSnapshot(`
    {
      "digests": {
        "stepctl/tiny-step3p5-bf16": "cbc4d843a46734f6",
        "stepctl/tiny-step3p5-nvfp4": "04319328a83eb555",
        "stepctl/tiny-step3p5-nvfp4-silu": "12f2293a4bee708a",
      },
      "writerVersion": 3,
    }
  `);
});

it('a carried model is written once, complete or not at all', async () => {
  const first = await makeBuiltinModel('stepctl/tiny-step3p5-nvfp4', dir, silentReporter);
  const names = await readdir(dir);
  expect(await makeBuiltinModel('stepctl/tiny-step3p5-nvfp4', dir, silentReporter)).toBe(first);
  expect(await readdir(dir)).toEqual(names);
  expect(names.some((name) => name.includes('.half'))).toBe(false);
});

it('a repository that the carried hub lacks is named, with those it has', async () => {
  await expect(makeBuiltinModel('nobody/nothing', dir, silentReporter)).rejects.toMatchObject({
    code: 'STEP_MODEL_REPO_UNKNOWN',
    reason: expect.stringContaining('stepctl/tiny-step3p5-nvfp4') as string,
  });
});
