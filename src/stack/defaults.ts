import type { Stack } from './schema.ts';

/** Built-in defaults: a complete, careful stack without a model. Profiles say what differs and why. */
export const defaultStack: Stack = {
  profile: 'none',
  description: '',
  engine: {
    driver: 'docker',
    vllm: '0.32.0',
    package: 'vllm',
    image: 'vllm/vllm-openai:v{vllm}',
    url: null,
    gpus: 'all',
    // Docker's own default of 64 MB kills NCCL at the first collective (vllm#1771).
    shmSize: '16g',
    // 105 GB from a cold disk plus compile and warm-up: 20 minutes were seen, so half an hour.
    startTimeoutMs: 1_800_000,
    args: [],
  },
  patches: [],
  emulation: false,
  model: { repo: null, revision: 'main', path: null, hub: 'default', trustRemoteCode: false },
  serve: {
    name: 'model',
    tensorParallel: 1,
    maxModelLen: 'auto',
    gpuMemoryUtilization: null,
    moeBackend: 'auto',
    peerToPeer: 'safe',
    cudaGraphs: true,
    cascadeAttention: false,
    reasoningParser: null,
    toolCallParser: null,
    extraArgs: [],
    env: {},
  },
  proxy: {
    listen: '127.0.0.1:8000',
    auth: 'keys',
    maxQueue: 256,
    queueTimeoutMs: 300_000,
    maxInFlight: 256,
    maxBodyBytes: 4 * 1024 * 1024,
    drainMs: 30_000,
  },
  supervisor: { backoffFirstMs: 1_000, backoffMaxMs: 60_000, maxFailedStarts: 5, stopGraceMs: 20_000 },
};
