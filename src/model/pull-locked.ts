import { join } from 'node:path';
import { etagOf, type RepoFolders } from './cache/layout.ts';
import { declareSnapshot, linkFile, tagCache } from './cache/place.ts';
import { type BlobStamp, readVerified, stampOf, writeVerified } from './cache/verified.ts';
import { createBufferPool } from './download/buffer-pool.ts';
import type { FetchContext } from './download/context.ts';
import { namedDiskError } from './download/disk-error.ts';
import { fetchFiles } from './download/fetch-files.ts';
import { createLedger } from './download/ledger.ts';
import { createMutex } from './download/mutex.ts';
import { checkRoom, formatBytes, planPull, renderPlan, type StockedFile } from './download/plan.ts';
import { createProgress, type PullProgress } from './download/progress.ts';
import { freeBytesAt, proveBlobs, takeStock } from './download/stock.ts';
import { defaultConnections, unjournalledPerConnection } from './download/tuning.ts';
import type { HashPool } from './hash/pool.ts';
import type { HubClient } from './hub/client.ts';
import { checkPulledFiles } from './inspect/check-pulled.ts';
import type { PulledModel, PullOptions, PullTuning, RepoFile } from './types.ts';

/** What to fetch, decided: the commit, the whole listing and the part of it that is wanted. */
export interface Wanted {
  readonly commit: string;
  readonly listing: readonly RepoFile[];
  readonly files: readonly RepoFile[];
}

export interface PullTools {
  readonly client: HubClient;
  readonly pool: HashPool;
  readonly tuning: PullTuning;
}

function createContext(
  options: PullOptions,
  folders: RepoFolders,
  wanted: Wanted,
  tools: PullTools,
  progress: PullProgress,
): FetchContext {
  const connections = options.maxConnections ?? defaultConnections;
  return {
    client: tools.client,
    commit: wanted.commit,
    blobs: folders.blobs,
    tuning: tools.tuning,
    connections,
    pool: tools.pool,
    ledger: createLedger(connections * unjournalledPerConnection(tools.tuning)),
    buffers: createBufferPool(tools.tuning.writeBytes),
    syncs: createMutex(),
    meter: progress.meter,
    signal: options.signal,
  };
}

/** The pull proper, by the one process that holds the repository: stock, plan, room, proofs, fetch, links, ref. */
export async function pullLocked(
  options: PullOptions,
  folders: RepoFolders,
  wanted: Wanted,
  tools: PullTools,
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
  const context = createContext(options, folders, wanted, tools, progress);
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
    await checkPulledFiles(join(folders.snapshots, wanted.commit), wanted.files, wanted.listing);
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
