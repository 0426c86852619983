import { mkdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { etagOf, hashOf, type RepoFolders } from '../cache/layout.ts';
import { type BlobStamp, isSameBlob, stampOf } from '../cache/verified.ts';
import type { HashPool } from '../hash/pool.ts';
import type { RepoFile } from '../types.ts';
import { namedDiskError } from './disk-error.ts';
import { coveredBy, readPartial } from './partial.ts';
import type { StockedFile } from './plan.ts';
import { bytesIn } from './ranges.ts';

/** One file for each blob: paths with the same content share one. */
export const distinctBlobs = (files: readonly RepoFile[]): RepoFile[] => [
  ...new Map(files.map((file) => [etagOf(file), file])).values(),
];

async function stockOf(
  folders: RepoFolders,
  file: RepoFile,
  verified: ReadonlyMap<string, BlobStamp>,
): Promise<StockedFile> {
  const etag = etagOf(file);
  const stamp = await stampOf(join(folders.blobs, etag));
  if (stamp !== null && stamp.sizeBytes === file.sizeBytes)
    return { file, stock: { kind: isSameBlob(stamp, verified.get(etag)) ? 'verified' : 'unproved' } };
  const { records } = await readPartial(folders.blobs, { etag, sizeBytes: file.sizeBytes });
  const storedBytes = bytesIn(coveredBy(records));
  return { file, stock: storedBytes === 0 ? { kind: 'missing' } : { kind: 'partial', storedBytes } };
}

/** What the cache holds of every wanted blob. Reads sizes and journals, hashes nothing. */
export async function takeStock(
  folders: RepoFolders,
  files: readonly RepoFile[],
  verified: ReadonlyMap<string, BlobStamp>,
): Promise<StockedFile[]> {
  return Promise.all(distinctBlobs(files).map((file) => stockOf(folders, file, verified)));
}

/** Makes the folders of a repository; a cache that cannot be written is named. */
export async function makeFolders(folders: RepoFolders): Promise<void> {
  try {
    for (const folder of [folders.blobs, folders.snapshots, folders.refs, folders.trees, folders.own])
      await mkdir(folder, { recursive: true });
  } catch (error) {
    throw namedDiskError(error, folders.root);
  }
}

/** Bytes that an ordinary user may still write on the file system of a folder. */
export async function freeBytesAt(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/**
 * Proves blobs that other tools left (huggingface_hub compares sizes only, #3643). Calls back for each with the verdict;
 * a wrong one is treated as missing and replaced by rename.
 */
export async function proveBlobs(
  pool: HashPool,
  folders: RepoFolders,
  files: readonly RepoFile[],
  watch: { readonly signal: AbortSignal; readonly onProved: (file: RepoFile, isRight: boolean) => void },
): Promise<void> {
  const prove = async (file: RepoFile): Promise<void> => {
    const { algorithm, expected } = hashOf(file);
    const job = pool.start({ path: join(folders.blobs, etagOf(file)), algorithm, sizeBytes: file.sizeBytes });
    const onAbort = (): void => job.cancel();
    watch.signal.addEventListener('abort', onAbort, { once: true });
    const aborted = new Promise<never>((_, reject) => {
      watch.signal.addEventListener('abort', () => reject(watch.signal.reason as Error), { once: true });
    });
    job.advance(file.sizeBytes);
    try {
      watch.onProved(file, (await Promise.race([job.digest, aborted])) === expected);
    } finally {
      watch.signal.removeEventListener('abort', onAbort);
    }
  };
  watch.signal.throwIfAborted();
  await Promise.all(files.map(prove));
}
