import { join } from 'node:path';
import { type Clock, StepError, systemClock } from '../lib/index.ts';
import { type RepoFolders, repoFolders } from './cache/layout.ts';
import { cachedCommit, cachedListing, isSnapshotWhole } from './cache/snapshot.ts';
import { readVerified } from './cache/verified.ts';
import { takeOwnerLock } from './download/owner-lock.ts';
import { selectFiles } from './download/patterns.ts';
import { formatBytes, type PullPlan, planPull } from './download/plan.ts';
import { freeBytesAt, makeFolders, takeStock } from './download/stock.ts';
import { defaultConnections, defaultTuning } from './download/tuning.ts';
import { createHashPool } from './hash/pool.ts';
import { createBodySource } from './hub/body-source.ts';
import type { HubClient } from './hub/client.ts';
import { listFiles, resolveRevision } from './hub/listing.ts';
import { checkRepo, checkRevision, isCommit } from './hub/names.ts';
import { createThrottleGate, gateStateFor } from './hub/throttle-gate.ts';
import { createTransport } from './hub/transport.ts';
import { pullLocked, type Wanted } from './pull-locked.ts';
import type { PulledModel, PullOptions, PullTuning } from './types.ts';

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
    await closeClient(client);
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
    const stocked = await takeStock(folders, files, await readVerified(folders));
    const unproved = stocked.filter(({ stock }) => stock.kind !== 'verified').length;
    if (unproved > 0 && !isOffline) return null; // sizes alone prove nothing: the hub path hashes them
    if (unproved > 0)
      options.reporter.warn(
        `${unproved} files of ${options.repo} were never proved by hash: stepctl verify ${options.repo} --full`,
      );
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
  // A little room beside the parts, so that resolving a link never queues behind them.
  const dispatcher = createTransport({
    connections: (options.maxConnections ?? defaultConnections) + 4,
    headersTimeoutMs: tuning.headersTimeoutMs,
  });
  return {
    endpoint: options.endpoint.replace(/\/+$/, ''),
    repo: options.repo,
    token: options.token,
    tokenSource: options.tokenSource ?? null,
    dispatcher,
    bodies: createBodySource(dispatcher, tuning),
    policy: tuning,
    gate: createThrottleGate(clock, options.reporter, gateStateFor(options.endpoint)),
    clock,
    reporter: options.reporter,
    signal: options.signal,
  };
}

async function closeClient(client: HubClient): Promise<void> {
  client.bodies.destroy();
  await client.dispatcher.destroy();
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
    await Promise.all([closeClient(client), pool.close()]);
  }
}
