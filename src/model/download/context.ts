import type { HubClient } from '../hub/client.ts';
import type { HashPool } from '../hash/pool.ts';
import type { PullTuning } from '../types.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { Ledger } from './ledger.ts';
import type { Mutex } from './mutex.ts';
import type { RateMeter } from './rate.ts';

/** What every part of one pull shares. */
export interface FetchContext {
  readonly client: HubClient;
  readonly commit: string;
  readonly blobs: string;
  readonly tuning: PullTuning;
  readonly connections: number;
  readonly pool: HashPool;
  readonly ledger: Ledger;
  readonly buffers: BufferPool;
  readonly syncs: Mutex;
  /** Bytes received in this session. */
  readonly meter: RateMeter;
  /** Ends every part: the caller's abort, or the first failure. */
  readonly signal: AbortSignal;
}
