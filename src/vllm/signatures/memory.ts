import { type EndFacts, type Finding, fixed, type Signature } from './signature.ts';

const beforeWeightsAreIn: readonly (string | null)[] = [
  null,
  'imports',
  'config',
  'distributed',
  'backends',
  'weights',
];

/** While it loads the model itself does not fit; later it is the room beside it. */
const describeOutOfMemory = ({ everReady, phase }: EndFacts): Finding => {
  if (!everReady && beforeWeightsAreIn.includes(phase)) {
    return {
      cause: 'the GPU ran out of memory while the weights were loaded',
      advice:
        'share the model (serve.tensorParallel=2), end what else holds the GPU (nvidia-smi), and check that the checkpoint is taken as quantised',
    };
  }
  return {
    cause: `the GPU ran out of memory${everReady ? ' while serving' : ' after the weights were in: for the KV cache, the graphs or the sampler'}`,
    advice:
      'lower serve.gpuMemoryUtilization by 0.03, add --max-num-seqs 64 to serve.extraArgs, and check that both GPUs are used (serve.tensorParallel)',
  };
};

/** GPU memory, host memory, shared memory, KV cache. */
export const memorySignatures: readonly Signature[] = [
  {
    id: 'kv-too-small',
    pattern: /estimated maximum model length is (\d+)/,
    deterministic: true,
    phase: 'kv-cache',
    source: 'real',
    describe: ([, largest = '']) => ({
      cause: `the memory left for the KV cache holds a context of ${largest} tokens, less than serve.maxModelLen`,
      advice: `--set serve.maxModelLen=${largest} (or auto), or raise serve.gpuMemoryUtilization`,
    }),
  },
  {
    id: 'kv-too-small',
    pattern:
      /No available memory for the cache blocks|KV cache is needed, which is larger than|larger than the maximum number of tokens that can be stored in KV cache/,
    deterministic: true,
    phase: 'kv-cache',
    source: 'real',
    describe: fixed(
      'no memory is left for the KV cache once the weights are loaded',
      'raise serve.gpuMemoryUtilization (CPU: VLLM_CPU_KVCACHE_SPACE in serve.env), or lower serve.maxModelLen',
    ),
  },
  {
    id: 'gpu-memory-taken',
    pattern: /Free memory on device .*\(([\d.]+\/[\d.]+) GiB\) on startup is less than desired/,
    // A container that is being reclaimed gives it back within seconds.
    deterministic: false,
    phase: 'distributed',
    source: 'vllm#47266',
    describe: ([, free = '']) => ({
      cause: `another process holds memory of the GPU (${free} GiB free), often an EngineCore that outlived its server`,
      advice:
        'nvidia-smi --query-compute-apps=pid,process_name,used_memory --format=csv names it; do not lower the utilization',
    }),
  },
  {
    id: 'out-of-memory',
    pattern: /CUDA out of memory|torch\.OutOfMemoryError|Failed to CUDA calloc|CUBLAS_STATUS_ALLOC_FAILED/,
    deterministic: true,
    phase: 'weights',
    source: 'report',
    describe: (_match, facts) => describeOutOfMemory(facts),
  },
  {
    id: 'host-out-of-memory',
    pattern: /DefaultCPUAllocator: can't allocate memory|^(?:.*\) )?MemoryError\b|Cannot allocate memory/,
    deterministic: true,
    phase: 'any',
    source: 'real',
    describe: fixed(
      'the machine has not enough memory for what the engine asked for',
      'lower serve.maxModelLen; on a CPU also VLLM_CPU_KVCACHE_SPACE in serve.env (GiB)',
    ),
  },
  {
    id: 'shared-memory',
    pattern:
      /Error while creating shared memory segment|Insufficient space in \/dev\/shm|ncclShmOpen|Fatal Python error: Bus error|No space left on device: '?\/dev\/shm|psm_\w+.*No space left/,
    deterministic: true,
    phase: 'distributed',
    source: 'vllm#1771',
    describe: fixed(
      '/dev/shm is too small for the workers',
      'raise engine.shmSize, for instance to 32g (vllm#1771)',
    ),
  },
];
