import { type Clock, type Reporter, StepError } from '../../lib/index.ts';
import { createRateMeter, etaMs } from '../download/rate.ts';
import type { HashJob, HashPool } from '../hash/pool.ts';
import type { RowStatus } from './report.ts';

export interface HashTarget {
  readonly path: string;
  readonly sizeBytes: number;
  readonly algorithm: 'sha256' | 'git-sha1';
  readonly expected: string;
}

export interface HashResult {
  readonly status: Extract<RowStatus, 'ok' | 'wrong-hash' | 'unreadable'>;
  readonly detail: string | null;
}

const tickMs = 250;

/**
 * Hashes files, one a worker at a time (a disk reads fastest in few streams), the largest first so that no worker ends
 * alone. Progress in bytes. Throws STEP_INTERRUPTED within a moment of the signal.
 */
export async function hashTargets(
  pool: HashPool,
  targets: readonly HashTarget[],
  run: {
    readonly reporter: Reporter;
    readonly signal: AbortSignal;
    readonly clock: Clock;
    readonly workers: number;
    /** Names the way on after an interrupt. */
    readonly command: string;
  },
): Promise<HashResult[]> {
  const results: HashResult[] = targets.map(() => ({ status: 'unreadable', detail: 'not reached' }));
  const order = targets
    .map((_, index) => index)
    .toSorted((a, b) => (targets[b]?.sizeBytes ?? 0) - (targets[a]?.sizeBytes ?? 0));
  const total = targets.reduce((sum, target) => sum + target.sizeBytes, 0);
  const meter = createRateMeter(() => run.clock.monotonicMs());
  const running = new Set<HashJob>();
  let settled = 0;
  const tell = (): void => {
    const done = settled + [...running].reduce((sum, job) => sum + job.hashedBytes(), 0);
    meter.add(done - meter.total());
    const rate = meter.perSecond();
    run.reporter.progress({
      stage: 'verify',
      done,
      total,
      unit: 'bytes',
      rate,
      etaMs: etaMs(total - done, rate),
    });
  };
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  aborted.catch(() => {});
  const onAbort = (): void =>
    reject(
      new StepError('STEP_INTERRUPTED', {
        verdict: 'the verification was interrupted',
        next: run.command,
      }),
    );
  if (run.signal.aborted) onAbort();
  run.signal.addEventListener('abort', onAbort, { once: true });
  const work = async (): Promise<void> => {
    for (let index = order.shift(); index !== undefined; index = order.shift()) {
      const target = targets[index];
      if (target === undefined) return;
      const job = pool.start(target);
      running.add(job);
      job.advance(target.sizeBytes);
      results[index] = await Promise.race([judge(job, target), aborted]);
      running.delete(job);
      settled += target.sizeBytes;
    }
  };
  const timer = setInterval(tell, tickMs);
  try {
    await Promise.all(Array.from({ length: run.workers }, work));
    tell();
    return results;
  } finally {
    clearInterval(timer);
    run.signal.removeEventListener('abort', onAbort);
  }
}

async function judge(job: HashJob, target: HashTarget): Promise<HashResult> {
  try {
    const digest = await job.digest;
    if (digest === target.expected) return { status: 'ok', detail: null };
    return { status: 'wrong-hash', detail: `${target.algorithm} is ${digest}, expected ${target.expected}` };
  } catch (error) {
    return { status: 'unreadable', detail: error instanceof Error ? error.message : String(error) };
  }
}
