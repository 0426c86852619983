import { fixed, type Signature } from './signature.ts';

/** Settings that vLLM takes from its command line and refuses only once it has looked at the model or its plugins. */
export const servingSignatures: readonly Signature[] = [
  {
    id: 'unknown-parser',
    pattern: /Reasoning parser '([^']+)' not found|invalid (?:tool call|reasoning) parser: (\S+)/,
    deterministic: true,
    phase: 'config',
    source: 'real',
    describe: ([, reasoning, tool = '']) => ({
      cause: `this release has no ${reasoning === undefined ? 'tool' : 'reasoning'} parser ${reasoning ?? tool}`,
      advice: `set serve.${reasoning === undefined ? 'toolCallParser' : 'reasoningParser'} to one that it has: stepctl config check names the nearest`,
    }),
  },
  {
    id: 'tool-choice-without-parser',
    pattern: /--enable-auto-tool-choice requires --tool-call-parser/,
    deterministic: true,
    phase: 'config',
    source: 'real',
    describe: fixed(
      'automatic tool choice was asked for without a parser of tool calls',
      'set serve.toolCallParser (step3p5 for Step-3.5), which adds both flags',
    ),
  },
  {
    id: 'quantization-mismatch',
    pattern:
      /Quantization method specified in the model config \(([^)]+)\) does not match the quantization method specified .*\((\S+)\)/,
    deterministic: true,
    phase: 'config',
    source: 'real',
    describe: ([, model = '', asked = '']) => ({
      cause: `the checkpoint is quantised by ${model}, and --quantization asks for ${asked}`,
      advice: 'remove --quantization from serve.extraArgs: the checkpoint says it by itself',
    }),
  },
  {
    id: 'parallel-size-mismatch',
    pattern: /must be divisible by tensor parallel size|is not divisible by tensor|not divisible by tp_size/,
    deterministic: true,
    phase: 'config',
    source: 'real',
    describe: fixed(
      'the heads or layers of the model cannot be shared equally among so many workers',
      'set serve.tensorParallel to 1, 2 or 4',
    ),
  },
  {
    id: 'unknown-variable',
    pattern: /Unknown vLLM environment variable detected: (\S+)/,
    deterministic: true,
    phase: 'imports',
    source: 'real',
    describe: ([, name = '']) => ({
      cause: `this release does not know the variable ${name}, and was asked to fail for such`,
      advice: `remove ${name} from serve.env, or --fail-on-environ-validation from serve.extraArgs`,
    }),
  },
  {
    id: 'batched-tokens-too-small',
    pattern: /max_num_batched_tokens \((\d+)\) is smaller than max_model_len \((\d+)\)/,
    deterministic: true,
    phase: 'config',
    source: 'real',
    describe: ([, batched = '', context = '']) => ({
      cause: `without chunked prefill a whole prompt of ${context} tokens must fit into a batch of ${batched}`,
      advice: `raise --max-num-batched-tokens to ${context}, or leave out --no-enable-chunked-prefill`,
    }),
  },
  {
    id: 'chat-template-missing',
    pattern: /chat template .*(?:doesn't|does not) exist|appears path-like, but/,
    deterministic: true,
    phase: 'config',
    source: 'real',
    describe: fixed(
      'the file named by --chat-template does not exist where the engine runs',
      'correct the path in serve.extraArgs; in a container it must be mounted',
    ),
  },
  {
    id: 'invalid-setting',
    pattern: /(\d+) validation errors? for (\w+Config)/,
    weak: true,
    deterministic: true,
    phase: 'config',
    source: 'real',
    describe: ([, , config = '']) => ({
      cause: `vLLM refuses a setting of ${config}; the lines after it name the setting`,
      advice: 'correct it in serve.extraArgs; stepctl config show --argv says where each comes from',
    }),
  },
  {
    id: 'wrong-moe-backend',
    pattern:
      /(?:Unquantized|Fp8|FP8|MXFP4|Mxfp4) MoE backend (.+?) does not support the deployment configuration/,
    deterministic: true,
    phase: 'backends',
    source: 'real',
    describe: ([, backend = '']) => ({
      cause: `the MoE kernels that were asked for (${backend}) cannot run this model on this processor`,
      advice: 'set serve.moeBackend=auto, or name one that the log lists',
    }),
  },
];
