import type { HashJob, HashPool } from '../hash/pool.ts';
import { etagOf, hashOf } from '../cache/layout.ts';
import type { RepoFile } from '../types.ts';
import type { LinkSource } from './link-source.ts';
import { coveredBy, type PartialFile } from './partial.ts';
import {
  addRange,
  type ByteRange,
  bytesIn,
  gapsOf,
  nextPart,
  type RangeSet,
  removeRange,
  wholePrefix,
} from './ranges.ts';

/** One blob on its way into the cache. */
export interface FileTask {
  readonly file: RepoFile;
  readonly partial: PartialFile;
  readonly link: LinkSource;
  hash: HashJob;
  /** How far the hash was told that it may read. */
  hashMay: number;
  /** In the file (not all of it journalled). */
  written: RangeSet;
  /** Written, or being fetched by a part. */
  taken: RangeSet;
  activeParts: number;
  /** The server ignores ranges for this file: one connection reads it from its first byte. */
  isWhole: boolean;
  /** Answers of 200 to a range so far. */
  ignoredRanges: number;
  /** Rounds of refetching after a wrong hash. */
  recoveries: number;
  isFinishing: boolean;
}

function startHash(pool: HashPool, partial: PartialFile, file: RepoFile): HashJob {
  return pool.start({ path: partial.path, algorithm: hashOf(file).algorithm, sizeBytes: file.sizeBytes });
}

/** Makes the task of one file; what its journal vouches for is hashed from the disk right away. */
export function createTask(file: RepoFile, partial: PartialFile, link: LinkSource, pool: HashPool): FileTask {
  const stored = coveredBy(partial.records());
  const task: FileTask = {
    file,
    partial,
    link,
    hash: startHash(pool, partial, file),
    hashMay: wholePrefix(stored),
    written: stored,
    taken: stored,
    activeParts: 0,
    isWhole: false,
    ignoredRanges: 0,
    recoveries: 0,
    isFinishing: false,
  };
  task.hash.advance(task.hashMay);
  return task;
}

/** Takes the next part of this file, or null when all of it is stored or being fetched. */
export function takePart(task: FileTask, length: number): ByteRange | null {
  const { sizeBytes } = task.file;
  if (task.isFinishing) return null;
  if (task.isWhole && task.activeParts > 0) return null;
  const gap = task.isWhole ? gapsOf(task.taken, sizeBytes)[0] : undefined;
  const part =
    gap === undefined ? nextPart(task.taken, sizeBytes, length) : { start: gap.start, end: sizeBytes };
  if (part === null) return null;
  task.taken = addRange(task.taken, part);
  task.activeParts += 1;
  return part;
}

/** Gives back what a part did not fetch. */
export function returnPart(task: FileTask, part: ByteRange, fetchedTo: number): void {
  task.activeParts -= 1;
  task.taken = removeRange(task.taken, { start: fetchedTo, end: part.end });
  // In whole mode the part may have crossed bytes that were there already: they stay taken.
  for (const range of task.written) task.taken = addRange(task.taken, range);
}

// Smaller steps only wake the worker more often.
const hashStepBytes = 4 << 20;

/** Notes bytes that are in the file now and lets the hash run up to where it is whole. */
export function noteWritten(task: FileTask, range: ByteRange): void {
  task.written = addRange(task.written, range);
  const prefix = wholePrefix(task.written);
  if (prefix - task.hashMay < hashStepBytes && prefix < task.file.sizeBytes) return;
  task.hashMay = prefix;
  task.hash.advance(prefix);
}

/** Starts the hash of a task (again), from what is stored. */
export function restartHash(task: FileTask, pool: HashPool): void {
  task.hash = startHash(pool, task.partial, task.file);
  task.hashMay = wholePrefix(task.written);
  task.hash.advance(task.hashMay);
}

export const isWhole = (task: FileTask): boolean =>
  task.activeParts === 0 && bytesIn(task.written) === task.file.sizeBytes;

export const leftIn = (task: FileTask): number => task.file.sizeBytes - bytesIn(task.taken);

export const blobName = (task: FileTask): string => etagOf(task.file);
