import { join } from 'node:path';
import { type Clock, StepError, systemClock } from '../lib/index.ts';
import { etagOf, type RepoFolders, repoFolders } from './cache/layout.ts';
import { declareSnapshot, linkFile, tagCache } from './cache/place.ts';
import { cachedCommit, cachedListing, isSnapshotWhole } from './cache/snapshot.ts';
import { type BlobStamp, readVerified, stampOf, writeVerified } from './cache/verified.ts';
import type { FetchContext } from './download/context.ts';
import { namedDiskError } from './download/disk-error.ts';
import { fetchFiles } from './download/fetch-files.ts';
import { createLedger } from './download/ledger.ts';
import { createMutex } from './download/mutex.ts';
import { takeOwnerLock } from './download/owner-lock.ts';
import { selectFiles } from './download/patterns.ts';
import {
  checkRoom,
  formatBytes,
  type PullPlan,
  planPull,
  renderPlan,
  type StockedFile,
} from './download/plan.ts';
import { createProgress, type PullProgress } from './download/progress.ts';
import { freeBytesAt, makeFolders, proveBlobs, takeStock } from './download/stock.ts';
import { defaultConnections, defaultTuning, unjournalledPerConnection } from './download/tuning.ts';
import { createHashPool, type HashPool } from './hash/pool.ts';
import type { HubClient } from './hub/client.ts';
import { listFiles, resolveRevision } from './hub/listing.ts';
import { checkRepo, checkRevision, isCommit } from './hub/names.ts';
import { createThrottleGate } from './hub/throttle-gate.ts';
import { createTransport } from './hub/transport.ts';
import type { PulledModel, PullOptions, PullTuning, RepoFile } from './types.ts';

/** What to fetch, decided: the commit, the whole listing and the part of it that is wanted. */
interface Wanted {
  readonly commit: string;
  readonly listing: readonly RepoFile[];
  readonly files: readonly RepoFile[];
}

/**
 * Brings a model into the Hugging Face cache: lists it at one commit, fetches what is missing in parallel ranges,
 * proves every byte by the hub's own hashes, then links, lists and refs it. Goes on where an earlier call stopped.
 * Throws STEP_MODEL_*, STEP_DISK_FULL, and STEP_INTERRUPTED within a second of `signal`.
 */
export async function pullModel(options: PullOptions): Promise<PulledModel> {
  checkRepo(options.repo);
  checkRevision(options.revision);
  const folders = repoFolders(options.cacheDir, options.repo);
  const tuning = { ...defaultTuning, ...options.tuning };
  try {
    options.signal.throwIfAborted();
    const cached = await readFromCache(options, folders);
    if (cached !== null) return cached;
    return await pullFromHub(options, folders, tuning);
  } catch (error) {
    if (!options.signal.aborted) throw error;
    throw interrupted(options, error);
  }
}

/** Plans a pull and makes no change: for `--dry-run`. */
export async function planModelPull(options: PullOptions): Promise<PullPlan> {
  checkRepo(options.repo);
  checkRevision(options.revision);
  const folders = repoFolders(options.cacheDir, options.repo);
  const client = createClient(options, { ...defaultTuning, ...options.tuning }, systemClock);
  try {
    const wanted = await listWanted(client, options);
    const stocked = await takeStock(folders, wanted.files, await readVerified(folders));
    return planPull({
      repo: options.repo,
      commit: wanted.commit,
      files: wanted.files.length,
      stocked,
      freeBytes: await freeBytesAbove(folders.root),
    });
  } finally {
    await client.dispatcher.destroy();
  }
}

async function freeBytesAbove(folder: string): Promise<number> {
  for (let path = folder; ; path = join(path, '..')) {
    const free = await freeBytesAt(path).catch(() => null);
    if (free !== null) return free;
    if (path === '/') return 0;
  }
}

const resumeCommand = (options: PullOptions): string =>
  options.resumeCommand ??
  `stepctl pull ${options.repo}${options.revision === 'main' ? '' : ` --revision ${options.revision}`}`;

const interrupted = (options: PullOptions, cause: unknown): StepError =>
  new StepError('STEP_INTERRUPTED', {
    verdict: `the pull of ${options.repo} was interrupted`,
    reason: 'everything that was fetched is kept',
    next: resumeCommand(options),
    cause,
  });

/** Answers without a request where none is needed (pinned commit, whole snapshot) or allowed (offline). */
async function readFromCache(options: PullOptions, folders: RepoFolders): Promise<PulledModel | null> {
  const isOffline = options.offline === true;
  if (!isOffline && !isCommit(options.revision)) return null;
  const commit = await cachedCommit(folders, options.revision);
  const listing = commit === null ? null : await cachedListing(folders, commit);
  const files = listing === null ? [] : selectFiles(listing, options.patterns);
  if (commit !== null && files.length > 0 && (await isSnapshotWhole(folders, commit, files))) {
    const bytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
    options.reporter.stage(
      'present',
      `${options.repo} at ${commit.slice(0, 12)} is in the cache: ${files.length} files, ${formatBytes(bytes)}`,
    );
    return {
      snapshotDir: join(folders.snapshots, commit),
      commit,
      files: files.length,
      bytesTotal: bytes,
      bytesFetched: 0,
      bytesPresent: bytes,
    };
  }
  if (!isOffline) return null;
  throw new StepError('STEP_MODEL_OFFLINE', {
    verdict: `the cache does not hold ${options.repo} at ${options.revision} whole, and HF_HUB_OFFLINE forbids to fetch it`,
    reason:
      commit === null
        ? `there is no ref for it in ${folders.refs}`
        : `files of commit ${commit} are missing in ${folders.snapshots}`,
    next: `unset HF_HUB_OFFLINE and run ${resumeCommand(options)}`,
    details: { repo: options.repo, revision: options.revision, cacheDir: options.cacheDir },
  });
}

function createClient(options: PullOptions, tuning: PullTuning, clock: Clock): HubClient {
  return {
    endpoint: options.endpoint.replace(/\/+$/, ''),
    repo: options.repo,
    token: options.token,
    tokenSource: options.tokenSource ?? null,
    // A little room beside the parts, so that resolving a link never queues behind them.
    dispatcher: createTransport({
      connections: (options.maxConnections ?? defaultConnections) + 4,
      headersTimeoutMs: tuning.headersTimeoutMs,
    }),
    policy: tuning,
    gate: createThrottleGate(clock, options.reporter),
    clock,
    reporter: options.reporter,
    signal: options.signal,
  };
}

async function listWanted(client: HubClient, options: PullOptions): Promise<Wanted> {
  const commit = await resolveRevision(client, options.revision);
  const listing = await listFiles(client, commit);
  const files = selectFiles(listing, options.patterns);
  if (files.length > 0) return { commit, listing, files };
  throw new StepError('STEP_MODEL_NOTHING_WANTED', {
    verdict: `no file of ${options.repo} is wanted`,
    reason:
      listing.length === 0
        ? 'the repository is empty'
        : `the patterns select none of its ${listing.length} files`,
    next: `stepctl pull ${options.repo}`,
    details: { allow: options.patterns?.allow ?? null, ignore: options.patterns?.ignore ?? null },
  });
}

async function pullFromHub(
  options: PullOptions,
  folders: RepoFolders,
  tuning: PullTuning,
): Promise<PulledModel> {
  const clock = systemClock;
  const client = createClient(options, tuning, clock);
  const pool = createHashPool(tuning.hashWorkers);
  try {
    options.reporter.stage(
      'listing',
      `${options.repo} at ${options.revision} on ${new URL(client.endpoint).host}`,
    );
    const wanted = await listWanted(client, options);
    await makeFolders(folders);
    const { repo, reporter, signal } = options;
    const lock = await takeOwnerLock(folders, {
      repo,
      wait: options.waitForOwner !== false,
      clock,
      reporter,
      signal,
    });
    try {
      return await pullLocked(options, folders, wanted, { client, pool, tuning });
    } finally {
      await lock.release();
    }
  } finally {
    await Promise.all([client.dispatcher.destroy(), pool.close()]);
  }
}

async function pullLocked(
  options: PullOptions,
  folders: RepoFolders,
  wanted: Wanted,
  tools: { readonly client: HubClient; readonly pool: HashPool; readonly tuning: PullTuning },
): Promise<PulledModel> {
  const verified = await readVerified(folders);
  const stocked = await takeStock(folders, wanted.files, verified);
  const plan = planPull({
    repo: options.repo,
    commit: wanted.commit,
    files: wanted.files.length,
    stocked,
    freeBytes: await freeBytesAt(folders.root),
  });
  options.reporter.stage('plan', renderPlan(plan));
  checkRoom(plan, options.cacheDir);
  const progress = createProgress(plan, options.reporter, tools.client.clock);
  const connections = options.maxConnections ?? defaultConnections;
  const context: FetchContext = {
    client: tools.client,
    commit: wanted.commit,
    blobs: folders.blobs,
    tuning: tools.tuning,
    connections,
    pool: tools.pool,
    ledger: createLedger(connections * unjournalledPerConnection(tools.tuning)),
    syncs: createMutex(),
    meter: progress.meter,
    signal: options.signal,
  };
  try {
    await provePresent(context, folders, stocked, verified, progress);
    const fetched = stocked.filter(
      ({ file, stock }) => stock.kind !== 'verified' && !verified.has(etagOf(file)),
    );
    await fetchFiles(
      context,
      fetched.map(({ file }) => file),
      {
        onActive: (paths) => progress.onActive(paths),
        onPlaced: async (file) => {
          const stamp = await stampOf(join(folders.blobs, etagOf(file)));
          if (stamp !== null) verified.set(etagOf(file), stamp);
        },
      },
    );
  } finally {
    progress.stop();
    await writeVerified(folders, verified).catch(() => {}); // only spares a later hash
  }
  await declare(options, folders, wanted);
  options.reporter.stage(
    'verified',
    `${wanted.files.length} files, ${formatBytes(plan.bytesTotal)}, commit ${wanted.commit}`,
  );
  return {
    snapshotDir: join(folders.snapshots, wanted.commit),
    commit: wanted.commit,
    files: wanted.files.length,
    bytesTotal: plan.bytesTotal,
    bytesFetched: progress.meter.total(),
    bytesPresent: progress.presentBytes(),
  };
}

/** Hashes complete blobs of unknown origin once; a wrong one falls out of `verified` and is fetched. */
async function provePresent(
  context: FetchContext,
  folders: RepoFolders,
  stocked: readonly StockedFile[],
  verified: Map<string, BlobStamp>,
  progress: PullProgress,
): Promise<void> {
  const unproved = stocked.filter(({ stock }) => stock.kind === 'unproved').map(({ file }) => file);
  // What is known of a blob that changed since is worth nothing.
  for (const { file, stock } of stocked) if (stock.kind !== 'verified') verified.delete(etagOf(file));
  const stamps = await Promise.all(unproved.map((file) => stampOf(join(folders.blobs, etagOf(file)))));
  await proveBlobs(context.pool, folders, unproved, {
    signal: context.signal,
    onProved: (file, isRight) => {
      const stamp = stamps[unproved.indexOf(file)];
      if (isRight && stamp !== null && stamp !== undefined) verified.set(etagOf(file), stamp);
      if (isRight) return;
      progress.onDistrusted(file.sizeBytes);
      context.client.reporter.warn(`${file.path} in the cache has a wrong hash: it is fetched again`);
    },
  });
}

async function declare(options: PullOptions, folders: RepoFolders, wanted: Wanted): Promise<void> {
  try {
    for (const file of wanted.files) await linkFile(folders, wanted.commit, file);
    await tagCache(options.cacheDir);
    await declareSnapshot(folders, {
      commit: wanted.commit,
      revision: options.revision,
      listing: wanted.listing,
    });
  } catch (error) {
    throw namedDiskError(error, folders.snapshots);
  }
}
