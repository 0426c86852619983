import { fixed, type Signature } from './signature.ts';

/** Flags, addresses and intents: the same start fails again. */
export const settingSignatures: readonly Signature[] = [
  {
    id: 'unknown-flag',
    pattern: /error: unrecognized arguments: (.+)/,
    deterministic: true,
    phase: 'imports',
    source: 'real',
    describe: ([, flags = '']) =>
      flags.trim().startsWith('serve')
        ? {
            cause: 'vllm was given serve twice',
            advice: 'the image starts `vllm serve` by itself; check the image entrypoint',
          }
        : {
            cause: `this vLLM release does not know ${flags.trim()}`,
            advice: 'remove it from serve.extraArgs, or set engine.vllm to a release that knows it',
          },
  },
  {
    id: 'invalid-flag-value',
    pattern:
      /error: argument (\S+): (invalid choice: .+|invalid .+ value: .+|expected .+ argument.*|Value .+ cannot be converted to .+)/,
    deterministic: true,
    phase: 'imports',
    source: 'real',
    describe: ([, flag = '', what = '']) => ({
      cause: `vLLM refuses the value of ${flag}: ${what.slice(0, 160)}`,
      advice: 'stepctl config show --argv says which setting it comes from',
    }),
  },
  {
    id: 'port-in-use',
    pattern: /\[Errno 98\]|address already in use|port is already allocated/i,
    // The driver takes another free port at the next start.
    deterministic: false,
    phase: 'config',
    source: 'real',
    describe: fixed(
      'another process listens on the address that the engine was given',
      'stepctl doctor names the process that holds a port',
    ),
  },
  {
    id: 'context-too-big',
    pattern:
      /max_model_len \((\d+)\) is greater than the derived max_model_len \(max_position_embeddings=(\d+)/,
    deterministic: true,
    phase: 'config',
    source: 'real',
    describe: ([, asked = '', limit = '']) => ({
      cause: `serve.maxModelLen ${asked} is more than the ${limit} positions that the model has`,
      advice: `--set serve.maxModelLen=${limit}, or auto`,
    }),
  },
  {
    id: 'unknown-arch',
    pattern:
      /Model architectures \['?([^'\]]+)'?\] (?:are not supported|failed to be inspected)|(?<!`step3p5` but Transformers )does not recognize this architecture/,
    deterministic: true,
    phase: 'config',
    source: 'real',
    describe: ([, name], { version }) => ({
      cause: `vLLM${version === null ? '' : ` ${version}`} does not know the architecture${name === undefined ? ' of this model' : ` ${name}`}`,
      advice:
        'Step3p5ForCausalLM needs vLLM 0.15.1 or newer (engine.vllm); another model may need model.trustRemoteCode=true or a newer release',
    }),
  },
  {
    id: 'expert-parallel',
    pattern: /MoE backend .* does not support .*parallel config/,
    deterministic: true,
    phase: 'backends',
    source: 'report',
    describe: fixed(
      'the chosen MoE kernels do not support expert parallel',
      'remove --enable-expert-parallel from serve.extraArgs, or set serve.moeBackend=marlin',
    ),
  },
  {
    id: 'mtp-config',
    pattern:
      /must be divisible by n_predict|ZeroDivisionError: integer modulo by zero|step3p5\w*\.py.*IndexError|MTP speculative decoding layer \d+ weights missing/,
    deterministic: true,
    phase: 'config',
    source: 'vllm#40000',
    describe: fixed(
      'speculative decoding (MTP) does not fit this checkpoint or release',
      'remove the speculative flags from serve.extraArgs (vllm#40000, vllm#49642)',
    ),
  },
];
