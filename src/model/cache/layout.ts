import { dirname, join, relative } from 'node:path';
import type { ContentHash, RepoFile } from '../types.ts';

/**
 * The Hugging Face cache on disk, byte for byte, so that vLLM, `hf` and stepctl share one copy. Own files carry
 * `stepctl` in their name and live inside the repository's folder, where no reader of the cache looks at them.
 */
export interface RepoFolders {
  readonly root: string;
  readonly blobs: string;
  readonly snapshots: string;
  readonly refs: string;
  readonly trees: string;
  /** Owner lock and the record of verified blobs. */
  readonly own: string;
}

/** `OWNER/NAME` as the cache names its folder. */
export const repoFolderName = (repo: string): string => `models--${repo.replace('/', '--')}`;

export function repoFolders(cacheDir: string, repo: string): RepoFolders {
  const root = join(cacheDir, repoFolderName(repo));
  return {
    root,
    blobs: join(root, 'blobs'),
    snapshots: join(root, 'snapshots'),
    refs: join(root, 'refs'),
    trees: join(root, 'trees'),
    own: join(root, '.stepctl'),
  };
}

/** Name of the blob: the sha256 of an LFS object, git's sha1 of any other file. */
export const etagOf = (file: RepoFile): string => file.lfsSha256 ?? file.gitOid;

export const hashOf = (file: RepoFile): ContentHash =>
  file.lfsSha256 === null
    ? { algorithm: 'git-sha1', expected: file.gitOid }
    : { algorithm: 'sha256', expected: file.lfsSha256 };

/** How a hash is read off a blob's name: 64 hex are sha256, 40 are git's sha1; null for any other name. */
export function hashFromEtag(etag: string): ContentHash | null {
  if (/^[0-9a-f]{64}$/.test(etag)) return { algorithm: 'sha256', expected: etag };
  return /^[0-9a-f]{40}$/.test(etag) ? { algorithm: 'git-sha1', expected: etag } : null;
}

/** Text of the relative symlink that stands at snapshots/<commit>/<path>. */
export const linkTarget = (folders: RepoFolders, commit: string, file: RepoFile): string =>
  relative(dirname(join(folders.snapshots, commit, file.path)), join(folders.blobs, etagOf(file)));

/** Content of trees/<commit>.json (huggingface_hub ≥ 1.22, #4394): offline readers compare the snapshot with it. */
export function treeJson(files: readonly RepoFile[]): string {
  const entries = files.map((file) => [
    file.path,
    {
      size: file.sizeBytes,
      blob_id: file.gitOid,
      ...(file.lfsSha256 === null ? {} : { lfs_sha256: file.lfsSha256, lfs_size: file.sizeBytes }),
      ...(file.xetHash === null ? {} : { xet_hash: file.xetHash }),
    },
  ]);
  return JSON.stringify({ format_version: 1, files: Object.fromEntries(entries) }, null, 1);
}

export const cacheDirTag = [
  'Signature: 8a477f597d28d172789f06886806bc55',
  '# This directory is a cache: backup tools may leave it out.',
  '',
].join('\n');
