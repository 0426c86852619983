// oxlint-disable unicorn/require-post-message-target-origin -- a rule of browsers; worker threads have no origin
import { Worker } from 'node:worker_threads';
import type { HashOrder, HashReport } from './messages.ts';

/** Hashes one file from its first byte on, as far as it is there. */
export interface HashJob {
  /** The first `bytes` of the file are on disk now. */
  advance(bytes: number): void;
  /** How far the worker has come. */
  hashedBytes(): number;
  /** Hex digest once the whole file was hashed; rejects when it cannot be read. Never settles after `cancel`. */
  readonly digest: Promise<string>;
  cancel(): void;
}

export interface HashPool {
  start(file: { path: string; algorithm: 'sha256' | 'git-sha1'; sizeBytes: number }): HashJob;
  /** Indexes of the stretches whose bytes on disk do not have the crc32 they were written with. */
  check(
    path: string,
    stretches: readonly { readonly start: number; readonly length: number; readonly dataCrc: number }[],
  ): Promise<readonly number[]>;
  close(): Promise<void>;
}

interface Waiting {
  resolve(report: HashReport): void;
  reject(error: Error): void;
  progress(bytes: number): void;
}

interface Member {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
}

// The published bundle holds the worker as a file of its own beside the chunk that starts it.
const workerUrl = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

function startMember(): Member {
  const waiting = new Map<number, Waiting>();
  const worker = new Worker(workerUrl, { name: 'stepctl-hash', stdout: false, stderr: false });
  const failAll = (error: Error): void => {
    for (const one of waiting.values()) one.reject(error);
    waiting.clear();
  };
  worker.on('message', (report: HashReport) => {
    const one = waiting.get(report.id);
    if (one === undefined) return;
    if (report.kind === 'hashed') return one.progress(report.bytes);
    waiting.delete(report.id);
    if (report.kind === 'failed') one.reject(Object.assign(new Error(report.message), { code: report.code }));
    else one.resolve(report);
  });
  worker.on('error', failAll);
  worker.on('exit', (code) => failAll(new Error(`a hash worker ended with code ${code}`)));
  return { worker, waiting };
}

/**
 * Worker threads that hash files as they grow. They read back what was written instead of being handed the bytes: the
 * page cache makes that nearly free, parts may arrive in any order, and what is hashed is what the disk holds.
 */
export function createHashPool(workers: number): HashPool {
  const members: Member[] = [];
  let nextId = 1;
  // The least busy worker; a new one while fewer than `workers` run, so that small pulls start one.
  const pick = (): Member => {
    const idle = members.find((member) => member.waiting.size === 0);
    if (idle !== undefined) return idle;
    if (members.length < workers) {
      const fresh = startMember();
      members.push(fresh);
      return fresh;
    }
    return members.reduce((least, member) => (member.waiting.size < least.waiting.size ? member : least));
  };
  const ask = (member: Member, order: HashOrder, progress: (bytes: number) => void): Promise<HashReport> => {
    const { promise, resolve, reject } = Promise.withResolvers<HashReport>();
    member.waiting.set(order.id, { resolve, reject, progress });
    member.worker.postMessage(order);
    return promise;
  };
  return {
    start: (file) => {
      const member = pick();
      const id = nextId++;
      let hashed = 0;
      const digest = ask(member, { kind: 'open', id, ...file }, (bytes) => {
        hashed = bytes;
      }).then((report) => (report.kind === 'digest' ? report.hex : ''));
      digest.catch(() => {}); // a cancelled pull does not wait for it
      return {
        digest,
        advance: (bytes) =>
          member.worker.postMessage({ kind: 'advance', id, upTo: bytes } satisfies HashOrder),
        hashedBytes: () => hashed,
        cancel: () => {
          member.waiting.delete(id);
          member.worker.postMessage({ kind: 'cancel', id } satisfies HashOrder);
        },
      };
    },
    check: async (path, stretches) => {
      const report = await ask(pick(), { kind: 'check', id: nextId++, path, stretches }, () => {});
      return report.kind === 'checked' ? report.bad : [];
    },
    close: async () => {
      for (const member of members) member.waiting.clear();
      await Promise.all(members.map((member) => member.worker.terminate()));
    },
  };
}
