import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { dataDir, writeFileAtomic } from '../../lib/index.ts';
import { transferKeySchema } from './key.ts';

type Env = Readonly<Record<string, string | undefined>>;

export const outcomes = ['ok', 'hang', 'wrong-data', 'inconclusive'] as const;
/** How one collective run ended. */
export type Outcome = (typeof outcomes)[number];

const runSchema = z.object({ outcome: z.enum(outcomes), text: z.string() });

const findingSchema = z.object({
  schema: z.literal('stepctl/transfer/1'),
  at: z.string(),
  key: transferKeySchema,
  /** nccl on GPUs; gloo on CPU ranks, which says nothing of peer-to-peer. */
  backend: z.enum(['nccl', 'gloo']),
  ranks: z.number().int(),
  /** Peer-to-peer allowed, then forbidden. */
  on: runSchema,
  off: runSchema,
  /** What the launch does under `serve.peerToPeer: auto`. */
  peerToPeer: z.enum(['on', 'safe']),
  reason: z.string(),
});

/** What a collective test of this machine found; the launch reads it. */
export type TransferFinding = z.infer<typeof findingSchema>;

export const findingFile = (env: Env): string => join(dataDir(env), 'findings', 'peer-to-peer.json');

/** The last finding; null without one or where it is not readable: then nothing is proved. */
export async function readTransferFinding(env: Env): Promise<TransferFinding | null> {
  try {
    return findingSchema.parse(JSON.parse(await readFile(findingFile(env), 'utf8')));
  } catch {
    return null;
  }
}

export async function writeTransferFinding(env: Env, finding: TransferFinding): Promise<void> {
  const file = findingFile(env);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFileAtomic(file, `${JSON.stringify(finding, null, 2)}\n`);
}
