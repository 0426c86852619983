// oxlint-disable unicorn/require-post-message-target-origin -- a rule of browsers; worker threads have no origin
import { createHash, type Hash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import type { HashOrder, HashReport } from './messages.ts';

interface Job {
  readonly fd: number;
  readonly hash: Hash;
  readonly sizeBytes: number;
  position: number;
  upTo: number;
}

// Small enough to stay in the core's own cache between the read and the hash.
const buffer = Buffer.allocUnsafeSlow(256 << 10);
// A worker looks at its messages at least this often.
const turnBytes = 32 << 20;

const jobs = new Map<number, Job>();
let isScheduled = false;

const report = (message: HashReport): void => parentPort?.postMessage(message);

function fail(id: number, error: unknown): void {
  const code = (error as NodeJS.ErrnoException).code ?? null;
  report({ kind: 'failed', id, message: error instanceof Error ? error.message : String(error), code });
}

function drop(id: number): void {
  const job = jobs.get(id);
  if (job === undefined) return;
  jobs.delete(id);
  closeSync(job.fd);
}

function readInto(fd: number, position: number, length: number): Buffer {
  const count = readSync(fd, buffer, 0, Math.min(length, buffer.length), position);
  if (count === 0) throw new Error(`the file ends at byte ${position}`);
  return buffer.subarray(0, count);
}

function turn(id: number, job: Job): void {
  const stopAt = Math.min(job.upTo, job.position + turnBytes);
  while (job.position < stopAt) {
    const chunk = readInto(job.fd, job.position, stopAt - job.position);
    job.hash.update(chunk);
    job.position += chunk.length;
  }
  report({ kind: 'hashed', id, bytes: job.position });
  if (job.position < job.sizeBytes) return;
  report({ kind: 'digest', id, hex: job.hash.digest('hex') });
  drop(id);
}

const isDue = (job: Job): boolean => job.position < job.upTo || job.sizeBytes === 0;

function run(): void {
  isScheduled = false;
  for (const [id, job] of jobs) {
    if (!isDue(job)) continue;
    try {
      turn(id, job);
    } catch (error) {
      drop(id);
      fail(id, error);
    }
  }
  schedule();
}

function schedule(): void {
  if (isScheduled || ![...jobs.values()].some(isDue)) return;
  isScheduled = true;
  setImmediate(run);
}

function check(order: Extract<HashOrder, { kind: 'check' }>): readonly number[] {
  const fd = openSync(order.path, 'r');
  try {
    // A stretch that cannot be read (a bad sector, a short file) is as bad as one that reads wrong.
    const isRight = (stretch: (typeof order.stretches)[number]): boolean => {
      let crc = 0;
      try {
        for (let done = 0; done < stretch.length;) {
          const chunk = readInto(fd, stretch.start + done, stretch.length - done);
          crc = crc32(chunk, crc);
          done += chunk.length;
        }
      } catch {
        return false;
      }
      return crc === stretch.dataCrc;
    };
    return order.stretches.flatMap((stretch, index) => (isRight(stretch) ? [] : [index]));
  } finally {
    closeSync(fd);
  }
}

function open(order: Extract<HashOrder, { kind: 'open' }>): void {
  const fd = openSync(order.path, 'r');
  const hash = createHash(order.algorithm === 'sha256' ? 'sha256' : 'sha1');
  // git hashes a header before the content.
  if (order.algorithm === 'git-sha1') hash.update(`blob ${order.sizeBytes}\0`);
  jobs.set(order.id, { fd, hash, sizeBytes: order.sizeBytes, position: 0, upTo: 0 });
}

parentPort?.on('message', (order: HashOrder) => {
  try {
    if (order.kind === 'open') open(order);
    if (order.kind === 'cancel') drop(order.id);
    if (order.kind === 'check') report({ kind: 'checked', id: order.id, bad: check(order) });
    const job = order.kind === 'advance' ? jobs.get(order.id) : undefined;
    if (job !== undefined && order.kind === 'advance') job.upTo = Math.max(job.upTo, order.upTo);
    schedule();
  } catch (error) {
    fail(order.id, error);
  }
});
