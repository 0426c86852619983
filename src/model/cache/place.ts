import { access, mkdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileAtomic } from '../../lib/index.ts';
import type { RepoFile } from '../types.ts';
import { cacheDirTag, linkTarget, type RepoFolders, treeJson } from './layout.ts';

/** Points snapshots/<commit>/<path> at its blob, by rename, so that a reader never sees a gap. */
export async function linkFile(folders: RepoFolders, commit: string, file: RepoFile): Promise<void> {
  const path = join(folders.snapshots, commit, file.path);
  const target = linkTarget(folders, commit, file);
  const present = await readlink(path).catch(() => null);
  if (present === target) return;
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.stepctl-tmp`;
  await rm(temporary, { force: true });
  await symlink(target, temporary);
  await rename(temporary, path);
}

/** Marks the cache's root for backup tools, as huggingface_hub does. */
export async function tagCache(cacheDir: string): Promise<void> {
  const path = join(cacheDir, 'CACHEDIR.TAG');
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (!isThere) await writeFileAtomic(path, cacheDirTag, 0o644);
}

/**
 * Declares a snapshot: the tree, and last of all the ref, because a ref that points at half a snapshot makes offline
 * loads fail in confusing ways. A revision that is the commit itself has no ref.
 */
export async function declareSnapshot(
  folders: RepoFolders,
  snapshot: { readonly commit: string; readonly revision: string; readonly listing: readonly RepoFile[] },
): Promise<void> {
  await writeFileAtomic(join(folders.trees, `${snapshot.commit}.json`), treeJson(snapshot.listing), 0o644);
  if (snapshot.revision === snapshot.commit) return;
  // No newline: readers do not strip it.
  await writeFileAtomic(join(folders.refs, snapshot.revision), snapshot.commit, 0o644);
}
