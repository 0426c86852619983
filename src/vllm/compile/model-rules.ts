import { isWithin } from '../versions.ts';
import { flag, type Outcome, type Rule } from './context.ts';

const nameModel: Rule = ({ stack }) => ({
  items: [flag('--served-model-name', stack.serve.name, `serve.name: ${stack.serve.name}`)],
});

const shareLayers: Rule = ({ stack }) => {
  const count = stack.serve.tensorParallel;
  if (count === 1)
    return {
      dropped: [{ name: '--tensor-parallel-size', because: 'serve.tensorParallel: 1 is the default' }],
    };
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

/** Off by default since 0.18.0 (vllm#36318), gone in 0.32.0. */
const setCascade: Rule = ({ stack, version }): Outcome => {
  const name = stack.serve.cascadeAttention ? '--no-disable-cascade-attn' : '--disable-cascade-attn';
  const because = `serve.cascadeAttention: ${stack.serve.cascadeAttention}`;
  if (!isWithin(version, null, '0.32.0')) {
    const gone = 'cascade attention was removed in vLLM 0.32.0 and the flag goes with 0.33.0';
    const warnings = stack.serve.cascadeAttention
      ? [`serve.cascadeAttention: true has no effect: ${gone}`]
      : [];
    return { dropped: [{ name, because: gone }], warnings };
  }
  const isDefault = stack.serve.cascadeAttention === isWithin(version, null, '0.18.0');
  if (isDefault)
    return { dropped: [{ name, because: `${because} is the default of this release (vllm#36318)` }] };
  return { items: [flag(name, null, because)] };
};

const parseOutput: Rule = ({ stack }) => {
  const { reasoningParser, toolCallParser } = stack.serve;
  return {
    items: [
      ...(reasoningParser === null
        ? []
        : [flag('--reasoning-parser', reasoningParser, `serve.reasoningParser: ${reasoningParser}`)]),
      ...(toolCallParser === null
        ? []
        : [
            flag('--enable-auto-tool-choice', null, `serve.toolCallParser: ${toolCallParser}`),
            flag('--tool-call-parser', toolCallParser, `serve.toolCallParser: ${toolCallParser}`),
          ]),
    ],
  };
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
