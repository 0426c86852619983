import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EngineSpec } from '../../src/engine/index.ts';
import type { CheckpointScript } from '../../src/lib/index.ts';

/** Known truth of the simulated checkpoint. */
export const truth: CheckpointScript = {
  schema: 'stepctl/script/1',
  seed: 1,
  scripts: [
    {
      name: 'chat',
      prompt: 'What is the answer?',
      reasoning: 'Let me think about this step by step.',
      content: 'The answer is forty-two!',
      toolCalls: [],
      finish: 'stop',
      completionTokens: 17,
    },
    {
      name: 'tool',
      prompt: 'How is the weather?',
      reasoning: 'I need the tool.',
      content: '',
      toolCalls: [{ name: 'get_weather', arguments: { city: 'Paris' } }],
      finish: 'tool_calls',
      completionTokens: 20,
    },
    {
      name: 'endless',
      prompt: 'Count for ever',
      reasoning: '',
      content: ' one two three',
      toolCalls: [],
      finish: 'length',
      completionTokens: null,
    },
  ],
};

/** A safetensors file with one tensor of `bytes` zero bytes. */
export function shardBytes(bytes: number): Buffer {
  const header = Buffer.from(
    JSON.stringify({ w: { dtype: 'U8', shape: [bytes], data_offsets: [0, bytes] } }),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(bytes)]);
}

export interface SimHome {
  readonly root: string;
  readonly modelDir: string;
  readonly stateDir: string;
  remove(): Promise<void>;
}

/** A folder of its own with a scripted model of two shards and room for an instance's state. */
export async function makeSimHome(): Promise<SimHome> {
  const root = await mkdtemp(join(tmpdir(), 'sim-'));
  const modelDir = join(root, 'model');
  const stateDir = join(root, 'state');
  await mkdir(modelDir);
  await mkdir(stateDir);
  await writeFile(join(modelDir, 'stepctl-script.json'), JSON.stringify(truth));
  for (const name of ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors']) {
    await writeFile(join(modelDir, name), shardBytes(16));
  }
  return { root, modelDir, stateDir, remove: () => rm(root, { recursive: true, force: true }) };
}

/** A spec for the sim driver with fast times; later switches win. */
export const simSpec = (home: SimHome, ...switches: readonly string[]): EngineSpec => ({
  instance: 'test',
  program: [],
  args: [
    'serve',
    home.modelDir,
    '--served-model-name',
    'step',
    '--reasoning-parser',
    'step3p5',
    '--tool-call-parser',
    'step3p5',
    '--sim-startup-ms',
    '50',
    '--sim-ttft-ms',
    '1',
    '--sim-itl-ms',
    '1',
    '--sim-crash-exit-ms',
    '20',
    ...switches,
  ],
  env: {},
  image: null,
  mounts: [],
  gpus: { kind: 'none' },
  user: null,
  limits: { shmBytes: 0, memoryBytes: null, pids: 100, logMaxBytes: 1024 * 1024 },
  externalUrl: null,
  stateDir: home.stateDir,
  labels: {},
});
