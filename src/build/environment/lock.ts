import { StepError, takeOwnerLock } from '../../lib/index.ts';
import type { Work } from './work.ts';

const waitStepMs = 500;
const waitLimitMs = 60 * 60 * 1000;

/** Runs `use` while holding the lock. Held by a living process: waits for it, up to an hour; a dead owner's is taken over. */
export async function withEnvironmentLock<T>(path: string, work: Work, use: () => Promise<T>): Promise<T> {
  const { time, signal, reporter } = work;
  const startedMs = time.monotonicMs();
  let isTold = false;
  for (;;) {
    signal.throwIfAborted();
    const lock = await takeOwnerLock(path);
    if ('release' in lock) {
      try {
        return await use();
      } finally {
        await lock.release();
      }
    }
    const { pid } = lock.heldBy;
    if (time.monotonicMs() - startedMs > waitLimitMs) {
      throw new StepError('STEP_BUILD_BUSY', {
        verdict: `process ${pid} has been building this environment for over an hour`,
        reason: `it holds ${path}`,
        next: `look at process ${pid}, end it if it hangs, and run the command again`,
      });
    }
    if (!isTold) reporter.stage('build', `process ${pid} is building this environment: waiting for it`);
    isTold = true;
    await time.sleep(waitStepMs, signal);
  }
}
