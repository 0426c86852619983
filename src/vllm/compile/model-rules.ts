import { flag, type Outcome, type Rule } from './context.ts';
import { parseOutput } from './parser-rules.ts';

const nameModel: Rule = ({ stack }) => ({
  items: [flag('--served-model-name', stack.serve.name, `serve.name: ${stack.serve.name}`)],
});

const shareLayers: Rule = ({ stack }) => {
  const count = stack.serve.tensorParallel;
  return { items: [flag('--tensor-parallel-size', count, `serve.tensorParallel: ${count}`)] };
};

const trustCode: Rule = ({ stack }) =>
  stack.model.trustRemoteCode
    ? { items: [flag('--trust-remote-code', null, 'model.trustRemoteCode: true')] }
    : {};

// Every supported release knows `auto` (parser of 0.15.1): it fits the context to the memory that is left.
const limitContext: Rule = ({ stack }) => ({
  items: [flag('--max-model-len', stack.serve.maxModelLen, `serve.maxModelLen: ${stack.serve.maxModelLen}`)],
});

const shareMemory: Rule = ({ stack }) => {
  const share = stack.serve.gpuMemoryUtilization;
  return share === null
    ? {}
    : { items: [flag('--gpu-memory-utilization', share, `serve.gpuMemoryUtilization: ${share}`)] };
};

const runEager: Rule = ({ stack }) =>
  stack.serve.cudaGraphs ? {} : { items: [flag('--enforce-eager', null, 'serve.cudaGraphs: false')] };

/** Off by default since 0.18.0 (vllm#36318), without effect since 0.32.0: the table knows. */
const setCascade: Rule = ({ stack, facts, version }): Outcome => {
  const name = stack.serve.cascadeAttention ? '--no-disable-cascade-attn' : '--disable-cascade-attn';
  const because = `serve.cascadeAttention: ${stack.serve.cascadeAttention}`;
  const row = facts.flags['--disable-cascade-attn'];
  if (row !== undefined && row.state !== 'no effect') return { items: [flag(name, null, because)] };
  const gone = `${because}; vLLM ${version} has no cascade attention any more, the flag has no effect`;
  const warnings = stack.serve.cascadeAttention
    ? [`serve.cascadeAttention: true has no effect: vLLM ${version} has no cascade attention any more`]
    : [];
  return { dropped: [{ name, because: gone }], warnings };
};

/** What is served, in the order in which the model card writes it. */
export const modelRules: readonly Rule[] = [
  nameModel,
  shareLayers,
  trustCode,
  parseOutput,
  setCascade,
  limitContext,
  shareMemory,
  runEager,
];
