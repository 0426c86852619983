import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { IntentWatch } from '../../src/vllm/index.ts';
import { stackOf } from './helpers.ts';

const logs = new URL('../fixtures/logs/', import.meta.url);

const watch = async (profile: string, sets: string[], lines: readonly string[]): Promise<IntentWatch> => {
  const intents = new IntentWatch(await stackOf(profile, sets));
  for (const line of lines) intents.line(line);
  return intents;
};
const realLines = async (file: string) => (await readFile(new URL(file, logs), 'utf8')).split('\n');
const outcomes = (intents: IntentWatch): Record<string, string> =>
  Object.fromEntries(intents.proofs().map(({ intent, outcome }) => [intent, outcome]));

test.each(['0.16.0', '0.32.0'])(
  'a real start of %s proves context, parsers, graphs and workers from its own log',
  async (version) => {
    const sets = [`engine.vllm=${version}`, 'serve.maxModelLen=2048', 'serve.cudaGraphs=true'];
    const intents = await watch('tiny-cpu', sets, await realLines(`healthy--compiled-${version}.txt`));
    expect(outcomes(intents)).toEqual({
      'serve.maxModelLen: 2048': 'proved',
      'serve.tensorParallel: 1': 'proved',
      'serve.cudaGraphs: true': 'proved',
      'serve.reasoningParser: step3p5': 'proved',
      'serve.toolCallParser: step3p5': 'proved',
      'serve.moeBackend: no-flashinfer': 'silent',
    });
    expect(intents.refusal()).toBeNull();
  },
);

test.each([
  ['serve.maxModelLen=4096', 'serve.maxModelLen: 4096, but max_seq_len=2048'],
  ['serve.cudaGraphs=true', 'serve.cudaGraphs: true, but enforce_eager=True'],
  ['serve.reasoningParser=qwen3', 'serve.reasoningParser: qwen3, but reasoning_parser=step3p5'],
  ['serve.toolCallParser=hermes', 'serve.toolCallParser: hermes, but tool_call_parser step3p5'],
  ['serve.tensorParallel=2', 'serve.tensorParallel: 2, but tensor_parallel_size=1'],
])('the same log refutes %s, and the engine must not serve', async (set, cause) => {
  for (const version of ['0.16.0', '0.32.0']) {
    const sets = ['serve.maxModelLen=2048', 'serve.cudaGraphs=false', `engine.vllm=${version}`, set];
    const intents = await watch('tiny-cpu', sets, await realLines(`healthy--eager-${version}.txt`));
    expect(intents.refusal()).toMatchObject({ signature: 'intent-not-in-effect', deterministic: true });
    expect(intents.refusal()?.cause).toContain(cause);
  }
});

const moe = (name: string): string =>
  `(Worker_TP0 pid=1) INFO [nvfp4.py:141] Using '${name}' NvFp4 MoE backend out of potential backends: ['${name}']`;

test.each([
  ['no-flashinfer', ['VLLM_CUTLASS'], 'proved'],
  ['no-flashinfer', ['FLASHINFER_CUTLASS', 'VLLM_CUTLASS'], 'refuted'],
  ['cutlass', ['VLLM_CUTLASS', 'MARLIN'], 'refuted'],
  ['marlin', ['MARLIN'], 'proved'],
  ['auto', ['FLASHINFER_CUTLASS', 'VLLM_CUTLASS'], 'proved'],
  ['cutlass', [], 'silent'],
])('moeBackend %s with the kernels %j is %s', async (intent, names, outcome) => {
  const intents = await watch('step-3.5-flash-nvfp4', [`serve.moeBackend=${intent}`], names.map(moe));
  expect(outcomes(intents)[`serve.moeBackend: ${intent}`]).toBe(outcome);
});

const config = (more: string): string =>
  `(EngineCore pid=1) INFO [core.py:133] Initializing a V1 LLM engine (v0.32.0) with config: model='m', max_seq_len=262144, tensor_parallel_size=2, ${more}`;

test.each([
  ['safe', 'True', "['PYNCCL']", 'proved'],
  ['safe', 'True', "['CUSTOM', 'PYNCCL']", 'refuted'],
  ['safe', 'False', null, 'refuted'],
  ['on', 'False', null, 'proved'],
  ['on', 'True', null, 'silent'],
])(
  'peerToPeer %s with disable_custom_all_reduce=%s and all-reduce by %s is %s (vllm#51513)',
  async (value, off, by, outcome) => {
    const lines = [config(`disable_custom_all_reduce=${off}`)];
    if (by !== null)
      lines.push(`INFO [cuda_communicator.py:354] Using ${by} all-reduce backends (in dispatch order)`);
    const intents = await watch('step-3.5-flash-nvfp4', [`serve.peerToPeer=${value}`], lines);
    expect(outcomes(intents)[`serve.peerToPeer: ${value}`]).toBe(outcome);
  },
);

test('what serve.extraArgs replaces is no intent of the stack any more', async () => {
  const sets = ['serve.maxModelLen=4096', 'serve.extraArgs=["--max_model_len", "8192"]'];
  const intents = await watch('step-3.5-flash-nvfp4', sets, [config('x')]);
  expect(Object.keys(outcomes(intents)).filter((intent) => intent.includes('maxModelLen'))).toEqual([]);
});

test('what an earlier engine said counts no more once another starts', async () => {
  const intents = await watch('step-3.5-flash-nvfp4', [], [moe('FLASHINFER_CUTLASS')]);
  expect(intents.refusal()).not.toBeNull();
  intents.begin();
  expect(intents.refusal()).toBeNull();
});
