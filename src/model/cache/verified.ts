import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../../lib/index.ts';
import type { RepoFolders } from './layout.ts';

const stampSchema = z.object({ sizeBytes: z.number(), mtimeMs: z.number(), inode: z.number() });
const verifiedSchema = z.object({
  schema: z.literal('stepctl/verified/1'),
  blobs: z.record(z.string(), stampSchema),
});

/** What a blob looked like when its hash was proved; another size, time or inode makes it unproved again. */
export type BlobStamp = z.infer<typeof stampSchema>;

const pathOf = (folders: RepoFolders): string => join(folders.own, 'verified.json');

/** The stamp of a blob now; null when it is not there. */
export async function stampOf(path: string): Promise<BlobStamp | null> {
  try {
    const found = await stat(path);
    return found.isFile() ? { sizeBytes: found.size, mtimeMs: found.mtimeMs, inode: found.ino } : null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Blobs whose hash was proved before, by name. A missing or foreign file only costs hashing again. */
export async function readVerified(folders: RepoFolders): Promise<Map<string, BlobStamp>> {
  try {
    const parsed = verifiedSchema.safeParse(JSON.parse(await readFile(pathOf(folders), 'utf8')));
    return new Map(Object.entries(parsed.data?.blobs ?? {}));
  } catch {
    return new Map();
  }
}

export const isSameBlob = (a: BlobStamp, b: BlobStamp | undefined): boolean =>
  a.sizeBytes === b?.sizeBytes && a.mtimeMs === b.mtimeMs && a.inode === b.inode;

/** Remembers proved blobs, for the next pull and for the quick verification. */
export async function writeVerified(
  folders: RepoFolders,
  blobs: ReadonlyMap<string, BlobStamp>,
): Promise<void> {
  const record = { schema: 'stepctl/verified/1', blobs: Object.fromEntries([...blobs].toSorted()) };
  await writeFileAtomic(pathOf(folders), `${JSON.stringify(record, null, 1)}\n`, 0o644);
}
