import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../../lib/index.ts';

const recordSchema = z.object({
  schema: z.literal('stepctl/engine-process/1'),
  instance: z.string(),
  /** A reboot ends every process and reuses every number. */
  bootId: z.string(),
  runDir: z.string(),
  /** Also the session and the process group; null between "about to spawn" and "spawned". */
  leader: z.object({ pid: z.number().int(), startTicks: z.string() }).nullable(),
  /** ms since the epoch. */
  startedAt: z.number(),
});

/** What a later controller needs to find this engine when its own died without a word. */
export type EngineRecord = z.infer<typeof recordSchema>;

const pathIn = (stateDir: string): string => join(stateDir, 'engine-process.json');

export const writeRecord = (stateDir: string, record: EngineRecord): Promise<void> =>
  writeFileAtomic(pathIn(stateDir), `${JSON.stringify(record, null, 2)}\n`);

/** Null where there is none, or one that this version cannot read: the environment mark still finds the processes. */
export async function readRecord(stateDir: string): Promise<EngineRecord | null> {
  try {
    return recordSchema.parse(JSON.parse(await readFile(pathIn(stateDir), 'utf8')));
  } catch {
    return null;
  }
}

export const removeRecord = (stateDir: string): Promise<void> => rm(pathIn(stateDir), { force: true });
