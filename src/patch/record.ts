import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../lib/index.ts';
import { sha256 } from './hash.ts';
import { directoryTree } from './tree.ts';
import type { SourceTree } from './types.ts';

const recordSchema = z.strictObject({
  schema: z.literal('stepctl/patch-record/1'),
  /** Release of the tree when it was patched. */
  vllm: z.string(),
  patches: z.array(z.strictObject({ id: z.string(), outcome: z.string(), hash: z.string() })),
  files: z.array(
    z.strictObject({
      path: z.string(),
      /** A patch made the file: undoing removes it. */
      isNew: z.boolean().default(false),
      before: z.string(),
      after: z.string(),
      /** The whole text before: what `restoreDirectory` puts back. */
      original: z.string(),
    }),
  ),
});

/** What stepctl changed in a tree and how to undo it; lies inside `vllm/`, so that it travels with a copy of it. */
export type PatchRecord = z.infer<typeof recordSchema>;

const recordPath = (folder: string): string => join(folder, 'vllm', 'stepctl-patches.json');

/** The record of a tree, or null where stepctl has changed nothing (or its record cannot be read). */
export async function readRecord(folder: string): Promise<PatchRecord | null> {
  let text: string;
  try {
    text = await readFile(recordPath(folder), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    return recordSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

export async function writeRecord(folder: string, record: PatchRecord | null): Promise<void> {
  if (record === null) return rm(recordPath(folder), { force: true });
  return writeFileAtomic(recordPath(folder), `${JSON.stringify(record, null, 1)}\n`, 0o644);
}

/**
 * The tree as it was before stepctl: a file that is as stepctl left it reads as its original, every other file as it
 * is. Planning on it makes a second run come to the same plan as the first, also after an interrupted one.
 */
export async function originalTree(folder: string): Promise<SourceTree> {
  const record = await readRecord(folder);
  const tree = directoryTree(folder);
  if (record === null) return tree;
  const known = new Map(record.files.map((file) => [file.path, file]));
  return {
    read: async (path) => {
      const text = await tree.read(path);
      const file = known.get(path);
      if (text === null || file === undefined || sha256(text) !== file.after) return text;
      return file.isNew ? null : file.original;
    },
  };
}
