import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isCommit, unsafeReason } from '../hub/names.ts';
import type { RepoFile } from '../types.ts';
import type { RepoFolders } from './layout.ts';

const treeFileSchema = z.object({
  format_version: z.literal(1),
  files: z.record(
    z.string(),
    z.object({
      size: z.number().int().nonnegative(),
      blob_id: z.string(),
      lfs_sha256: z.string().nullish(),
      xet_hash: z.string().nullish(),
    }),
  ),
});

const readText = (path: string): Promise<string | null> => readFile(path, 'utf8').catch(() => null);

/** The commit that the cache holds for a revision; null when it knows none. */
export async function cachedCommit(folders: RepoFolders, revision: string): Promise<string | null> {
  if (isCommit(revision)) return revision;
  const text = (await readText(join(folders.refs, revision)))?.trim() ?? '';
  return isCommit(text) ? text : null;
}

/** The file list of a commit as the cache remembers it; null when there is none or it cannot be trusted. */
export async function cachedListing(folders: RepoFolders, commit: string): Promise<RepoFile[] | null> {
  const text = await readText(join(folders.trees, `${commit}.json`));
  if (text === null) return null;
  try {
    const tree = treeFileSchema.parse(JSON.parse(text));
    const files = Object.entries(tree.files).map(([path, entry]) => ({
      path,
      sizeBytes: entry.size,
      gitOid: entry.blob_id,
      lfsSha256: entry.lfs_sha256 ?? null,
      xetHash: entry.xet_hash ?? null,
    }));
    return files.every((file) => unsafeReason(file.path) === null) ? files : null;
  } catch {
    return null;
  }
}

/** Paths of all files of a snapshot folder, sub-folders included, sorted. Broken links are in it. */
export async function snapshotPaths(folder: string): Promise<string[]> {
  const paths: string[] = [];
  const walk = async (prefix: string): Promise<void> => {
    for (const entry of await readdir(join(folder, prefix), { withFileTypes: true })) {
      const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
      if (entry.isDirectory()) await walk(path);
      else paths.push(path);
    }
  };
  await walk('');
  return paths.toSorted();
}

/** Whether every file stands in the snapshot with its size; follows the links. */
export async function isSnapshotWhole(
  folders: RepoFolders,
  commit: string,
  files: readonly RepoFile[],
): Promise<boolean> {
  for (const file of files) {
    const size = await stat(join(folders.snapshots, commit, file.path)).then(
      (s) => s.size,
      () => -1,
    );
    if (size !== file.sizeBytes) return false;
  }
  return true;
}
