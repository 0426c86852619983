import { access, readFile, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { StepError } from '../../lib/index.ts';
import { hashFromEtag, hashOf, type RepoFolders, repoFolders } from '../cache/layout.ts';
import { cachedCommit, cachedListing, snapshotPaths } from '../cache/snapshot.ts';
import { selectFiles } from '../download/patterns.ts';
import { checkRepo, checkRevision } from '../hub/names.ts';
import { readCheckpoint } from '../inspect/checkpoint.ts';
import type { ContentHash, FilePatterns, RepoFile } from '../types.ts';

/** One file with everything that is known of it beforehand. */
export interface Expected {
  readonly path: string;
  readonly sizeBytes: number | null;
  readonly hash: ContentHash | null;
}

/** What is to be verified, and all that is known of it beforehand. */
export interface Subject {
  readonly name: string;
  readonly dir: string;
  readonly commit: string | null;
  readonly expected: readonly Expected[];
  readonly folders: RepoFolders | null;
}

/** A folder as it is. Throws STEP_MODEL_FOLDER. */
export async function folderSubject(dir: string): Promise<Subject> {
  await readCheckpoint(dir); // says that it is a model folder at all
  const paths = (await snapshotPaths(dir)).filter(
    (path) => !path.startsWith('.cache/') && !path.startsWith('.git/'),
  );
  const expected = await Promise.all(paths.map((path) => expectFromFolder(dir, path)));
  return { name: dir, dir, commit: null, expected, folders: null };
}

/** In a Hugging Face cache the name of the blob behind a link is its hash. */
async function expectFromLink(dir: string, path: string): Promise<Expected> {
  const target = await readlink(join(dir, path)).catch(() => '');
  return { path, sizeBytes: null, hash: hashFromEtag(basename(target)) };
}

/** `hf download --local-dir` leaves three lines beside each file: commit, etag, time. The etag is the hash. */
async function expectFromFolder(dir: string, path: string): Promise<Expected> {
  const fromLink = await expectFromLink(dir, path);
  if (fromLink.hash !== null) return fromLink;
  const metadata = join(dir, '.cache', 'huggingface', 'download', `${path}.metadata`);
  const [, etag = ''] = (await readFile(metadata, 'utf8').catch(() => '')).split('\n');
  return { ...fromLink, hash: hashFromEtag(etag.trim()) };
}

/** A snapshot of the cache, with the hub's sizes and hashes where the cache remembers them. Throws STEP_MODEL_NOT_CACHED. */
export async function cacheSubject(options: {
  repo: string;
  revision: string;
  cacheDir: string;
  patterns?: FilePatterns;
}): Promise<Subject> {
  checkRepo(options.repo);
  checkRevision(options.revision);
  const folders = repoFolders(options.cacheDir, options.repo);
  const commit = await cachedCommit(folders, options.revision);
  const dir = commit === null ? null : join(folders.snapshots, commit);
  const isThere =
    dir !== null &&
    (await access(dir).then(
      () => true,
      () => false,
    ));
  if (commit === null || dir === null || !isThere)
    throw new StepError('STEP_MODEL_NOT_CACHED', {
      verdict: `the cache holds no snapshot of ${options.repo} at ${options.revision}`,
      reason: `looked in ${folders.root}`,
      next: `stepctl pull ${options.repo}`,
      details: { repo: options.repo, revision: options.revision, cacheDir: options.cacheDir },
    });
  const listing = await cachedListing(folders, commit);
  const expected =
    listing === null
      ? await Promise.all((await snapshotPaths(dir)).map((path) => expectFromLink(dir, path)))
      : selectFiles(listing, options.patterns).map(expectFromListing);
  return { name: options.repo, dir, commit, expected, folders };
}

const expectFromListing = (file: RepoFile): Expected => ({
  path: file.path,
  sizeBytes: file.sizeBytes,
  hash: hashOf(file),
});
