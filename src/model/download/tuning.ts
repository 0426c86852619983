import { availableParallelism } from 'node:os';
import type { PullTuning } from '../types.ts';

const MiB = 1 << 20;

/** Defaults of a pull. Each figure has its reason beside it. */
export const defaultTuning: PullTuning = {
  // Long enough that the round trip of a request is small beside it at 25 MB/s a connection.
  partBytes: 64 * MiB,
  // What one connection may lose to kill -9; with the budget below it stays under 16 MiB a connection.
  unitBytes: 8 * MiB,
  // Writes of 64 KiB run at a third of the speed of writes of 1 MiB; above it, more memory buys little.
  writeBytes: MiB,
  stallBytesPerSecond: 8 * 1024,
  stallWindowMs: 15_000,
  headersTimeoutMs: 30_000,
  maxFailures: 6,
  backoffFirstMs: 500,
  backoffMaxMs: 15_000,
  // The hub's window is five minutes.
  maxThrottleMs: 310_000,
  hashWorkers: Math.min(4, availableParallelism()),
};

export const defaultConnections = 8;

/** Bytes that may be received and not journalled yet, for each connection: the bound on what kill -9 costs. */
export const unjournalledPerConnection = (tuning: PullTuning): number => Math.floor(tuning.unitBytes * 1.5);
