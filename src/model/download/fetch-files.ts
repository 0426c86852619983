import { join } from 'node:path';
import { StepError } from '../../lib/index.ts';
import { etagOf, hashOf } from '../cache/layout.ts';
import { resolveFile } from '../hub/resolve.ts';
import type { RepoFile } from '../types.ts';
import type { FetchContext } from './context.ts';
import { fetchPart } from './fetch-part.ts';
import { createFetchQueue, type FetchQueue } from './fetch-queue.ts';
import { createTask, type FileTask, isWhole, restartHash } from './file-task.ts';
import { createLinkSource } from './link-source.ts';
import { createBell } from './mutex.ts';
import { coveredBy, openPartial } from './partial.ts';
import { bytesIn } from './ranges.ts';

/** What the caller sees of a running fetch. */
export interface FetchWatcher {
  /** A blob is complete, proved and in place. */
  onPlaced(file: RepoFile): Promise<void> | void;
  /** The files that have bytes under way, for the progress line. */
  onActive(paths: readonly string[]): void;
}

/**
 * Fetches blobs over `context.connections` connections: parts of one file in order, the next file as soon as the last
 * part of this one is taken, each placed when its hash is proved. The first failure stops all; what came is journalled.
 */
export async function fetchFiles(
  context: FetchContext,
  files: readonly RepoFile[],
  watcher: FetchWatcher,
): Promise<void> {
  const bell = createBell();
  const stop = new AbortController();
  const scope: FetchContext = { ...context, signal: AbortSignal.any([context.signal, stop.signal]) };
  const background = new Set<Promise<void>>();
  let failure: unknown = null;
  const fail = (error: unknown): void => {
    failure ??= error;
    stop.abort(error);
  };
  /** Work that no connection waits for; its failure is the pull's. */
  const follow = (work: Promise<void>): void => {
    const followed = work.catch(fail).finally(() => {
      background.delete(followed);
      bell.ring();
    });
    background.add(followed);
  };
  const settle = (task: FileTask): void => {
    if (task.isFinishing || !isWhole(task)) return;
    task.isFinishing = true;
    follow(
      finishTask(scope, task, watcher).then((isPlaced) => {
        task.isFinishing = false;
        if (isPlaced) queue.remove(task);
      }),
    );
  };
  const queue: FetchQueue = createFetchQueue({
    files,
    connections: context.connections,
    tuning: context.tuning,
    openTask: async (file) => {
      const task = await openTask(scope, file);
      settle(task); // an empty file, or one whose last byte was journalled before
      return task;
    },
  });
  const runLane = async (): Promise<void> => {
    while (!scope.signal.aborted && !queue.isEmpty()) {
      // Armed before looking: what changes meanwhile rings it.
      const change = bell.wait(scope.signal);
      change.catch(() => {});
      const work = await queue.claim();
      watcher.onActive(queue.open().map((task) => task.file.path));
      if (work === null) {
        if (!queue.isEmpty()) await change;
        continue;
      }
      const { sealed } = await fetchPart(scope, work.task, work.part);
      follow(sealed.then(() => settle(work.task)));
    }
  };
  try {
    await Promise.all(Array.from({ length: context.connections }, () => runLane().catch(fail)));
  } finally {
    while (background.size > 0) await Promise.all(background);
    for (const task of queue.open()) task.hash.cancel();
    await Promise.all(queue.open().map((task) => task.partial.close()));
  }
  context.signal.throwIfAborted();
  if (failure !== null) throw failure;
}

async function openTask(context: FetchContext, file: RepoFile): Promise<FileTask> {
  const key = { etag: etagOf(file), sizeBytes: file.sizeBytes };
  const partial = await openPartial(context.blobs, key, context.syncs);
  const link = createLinkSource(
    () => resolveFile(context.client, context.commit, file),
    context.client.clock,
  );
  return createTask(file, partial, link, context.pool);
}

/** Proves a whole file and places it; false when part of it has to be fetched again. */
async function finishTask(context: FetchContext, task: FileTask, watcher: FetchWatcher): Promise<boolean> {
  const digest = await untilAborted(task.hash.digest, context.signal);
  const { expected } = hashOf(task.file);
  if (digest === expected) {
    await task.partial.place(join(context.blobs, etagOf(task.file)));
    await task.partial.close();
    await watcher.onPlaced(task.file);
    return true;
  }
  await recover(context, task, digest);
  return false;
}

/**
 * What follows a wrong hash. Stretches whose bytes on disk are not the bytes that came are fetched again (the disk
 * lied); when there are none the hub sent wrong bytes and the whole file is fetched once more. The second wrong hash
 * of whole-file fetches is final.
 */
async function recover(context: FetchContext, task: FileTask, digest: string): Promise<void> {
  const { file, partial } = task;
  const records = partial.records();
  const bad = new Set(await context.pool.check(partial.path, records));
  const kept = bad.size > 0 && task.recoveries === 0 ? records.filter((_, index) => !bad.has(index)) : [];
  if (task.recoveries >= 2 || (task.recoveries >= 1 && bad.size === 0)) {
    await partial.discard();
    throw new StepError('STEP_MODEL_HASH_MISMATCH', {
      verdict: `${file.path} came twice and is not the file that the hub declares`,
      reason: `${hashOf(file).algorithm} is ${digest}, the hub says ${hashOf(file).expected}; nothing of it was placed in the cache`,
      next: 'run the command again; if it stays, the mirror, a proxy in between or the disk changes bytes',
      details: { path: file.path, digest, expected: hashOf(file).expected },
    });
  }
  task.recoveries += 1;
  const again = file.sizeBytes - bytesIn(coveredBy(kept));
  context.client.reporter.warn(
    `${file.path}: wrong hash${bad.size > 0 ? ', the disk does not hold what was written' : ''}; fetching ${again} bytes again`,
  );
  await partial.keepOnly(kept);
  task.written = coveredBy(kept);
  task.taken = task.written;
  restartHash(task, context.pool);
  task.link.drop(await task.link.get());
}

/** Rejects as soon as the signal aborts: a digest over gigabytes is not waited for. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason as Error);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
