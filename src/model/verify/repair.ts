import { readlink, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Clock, type Reporter, StepError, systemClock } from '../../lib/index.ts';
import { etagOf, hashOf, type RepoFolders, repoFolders } from '../cache/layout.ts';
import { cachedListing } from '../cache/snapshot.ts';
import { readVerified, writeVerified } from '../cache/verified.ts';
import { namedDiskError } from '../download/disk-error.ts';
import { takeOwnerLock } from '../download/owner-lock.ts';
import { coveredBy, demoteBlob, readKept, readPartial } from '../download/partial.ts';
import { literalGlob } from '../download/patterns.ts';
import { formatBytes } from '../download/plan.ts';
import { bytesIn } from '../download/ranges.ts';
import { createHashPool, type HashPool } from '../hash/pool.ts';
import type { FilePatterns, PulledModel, RepoFile } from '../types.ts';
import type { RepairedFile, VerifyReport, VerifyRow } from './report.ts';
import { summarise } from './report.ts';
import { verifyModel, type VerifySettings } from './verify.ts';

export interface RepairOptions extends VerifySettings {
  readonly repo: string;
  readonly cacheDir: string;
  /** Fetches what the patterns want of this commit into the same cache. */
  readonly pull: (revision: string, patterns: FilePatterns) => Promise<PulledModel>;
}

/**
 * Mends what a verification of the cache found wrong: of a blob that stepctl fetched only the stretches whose recorded
 * hash does not hold any more, of any other the whole file. Returns the report as it is afterwards, every mended file
 * proved by hash. Throws what a pull throws.
 */
export async function repairModel(found: VerifyReport, options: RepairOptions): Promise<VerifyReport> {
  const wrong = found.rows.filter((row) => row.status !== 'ok');
  if (found.commit === null || wrong.length === 0) return { ...found, repaired: [] };
  const folders = repoFolders(options.cacheDir, options.repo);
  const listing = (await cachedListing(folders, found.commit)) ?? [];
  const kept = await demoteWrong(options, folders, { commit: found.commit, wrong, listing });
  const patterns = { allow: wrong.map(({ path }) => literalGlob(path)) };
  await options.pull(found.commit, patterns);
  const { repo, cacheDir, reporter, signal } = options;
  const subject = { repo, cacheDir, revision: found.commit, patterns };
  const again = await verifyModel({ ...subject, mode: 'full', reporter, signal });
  const mended = new Map(again.rows.map((row) => [row.path, row]));
  const rows = found.rows.map((row) => mended.get(row.path) ?? row);
  const repaired = again.rows
    .filter((row) => row.status === 'ok')
    .map(({ path, sizeBytes }): RepairedFile => {
      const keptBytes = kept.get(path) ?? 0;
      return { path, keptBytes, fetchedBytes: (sizeBytes ?? 0) - keptBytes };
    });
  return summarise({ ...found, repaired }, rows);
}

/** Frees the names of bad blobs; returns by path how many bytes of each are still right. */
async function demoteWrong(
  options: RepairOptions,
  folders: RepoFolders,
  what: {
    readonly commit: string;
    readonly wrong: readonly VerifyRow[];
    readonly listing: readonly RepoFile[];
  },
): Promise<Map<string, number>> {
  const { repo, reporter, signal } = options;
  const clock: Clock = options.clock ?? systemClock;
  const lock = await takeOwnerLock(folders, { repo, wait: true, clock, reporter, signal });
  const pool = createHashPool(1);
  const kept = new Map<string, number>();
  try {
    const verified = await readVerified(folders);
    for (const { path } of what.wrong) {
      signal.throwIfAborted();
      const file = what.listing.find((one) => one.path === path);
      const link = join(folders.snapshots, what.commit, path);
      verified.delete(file === undefined ? basename(await readlink(link).catch(() => '')) : etagOf(file));
      if (file !== undefined) kept.set(path, await demote(folders, file, pool, reporter));
    }
    await writeVerified(folders, verified);
  } catch (error) {
    throw namedDiskError(error, folders.blobs);
  } finally {
    await Promise.all([lock.release(), pool.close()]);
  }
  return kept;
}

async function demote(
  folders: RepoFolders,
  file: RepoFile,
  pool: HashPool,
  reporter: Reporter,
): Promise<number> {
  const key = { etag: etagOf(file), sizeBytes: file.sizeBytes };
  const blob = join(folders.blobs, key.etag);
  const size = await stat(blob).then(
    (found) => found.size,
    () => null,
  );
  // A fetch that was interrupted knows better what is left than the blob does.
  const begun = bytesIn(coveredBy((await readPartial(folders.blobs, key)).records));
  const records = size !== null && begun === 0 ? await readKept(folders.blobs, key) : [];
  if (records.length === 0) return begun;
  const bad = new Set(await pool.check(blob, records));
  if (bad.size === 0 && size === file.sizeBytes && (await isRight(pool, blob, file)))
    throw rightAlready(file);
  const right = records.filter((_, index) => !bad.has(index));
  const keptBytes = bytesIn(coveredBy(right));
  await demoteBlob(folders.blobs, key, right);
  reporter.stage(
    'repair',
    `${file.path}: ${bad.size} of ${records.length} stretches are wrong, ${formatBytes(file.sizeBytes - keptBytes)} to fetch`,
  );
  return keptBytes;
}

async function isRight(pool: HashPool, path: string, file: RepoFile): Promise<boolean> {
  const { algorithm, expected } = hashOf(file);
  const job = pool.start({ path, algorithm, sizeBytes: file.sizeBytes });
  job.advance(file.sizeBytes);
  return (await job.digest) === expected;
}

const rightAlready = (file: RepoFile): StepError =>
  new StepError('STEP_MODEL_INCOMPLETE', {
    verdict: `${file.path} cannot be repaired: it is what the hub declares, to the last bit`,
    reason: 'the file itself is not one that an engine can load, and fetching it again would bring the same',
    next: "tell the repository's owner",
    details: { path: file.path },
  });
