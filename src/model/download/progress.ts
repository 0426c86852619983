import type { Clock, Reporter } from '../../lib/index.ts';
import type { PullPlan } from './plan.ts';
import { createRateMeter, etaMs, type RateMeter } from './rate.ts';

/** The progress line of one pull. Bytes found on disk count as done, never as speed. */
export interface PullProgress {
  readonly meter: RateMeter;
  onActive(paths: readonly string[]): void;
  /** Bytes that counted as present have to be fetched after all. */
  onDistrusted(bytes: number): void;
  /** Bytes on disk before this session that were right. */
  presentBytes(): number;
  stop(): void;
}

const tickMs = 250;

const noteOf = (paths: readonly string[]): string => {
  const [first, ...rest] = paths;
  if (first === undefined) return '';
  return rest.length === 0 ? first : `${first} and ${rest.length} more`;
};

export function createProgress(plan: PullPlan, reporter: Reporter, clock: Clock): PullProgress {
  const meter = createRateMeter(() => clock.monotonicMs());
  let present = plan.bytesPresent;
  let active: readonly string[] = [];
  const tell = (): void => {
    const done = Math.min(plan.bytesTotal, present + meter.total());
    const rate = meter.perSecond();
    reporter.progress({
      stage: 'download',
      done,
      total: plan.bytesTotal,
      unit: 'bytes',
      rate,
      etaMs: etaMs(plan.bytesTotal - done, rate),
      note: noteOf(active),
    });
  };
  const timer = setInterval(tell, tickMs);
  return {
    meter,
    onActive: (paths) => {
      active = paths;
    },
    onDistrusted: (bytes) => {
      present -= bytes;
    },
    presentBytes: () => present,
    stop: () => {
      clearInterval(timer);
      tell();
    },
  };
}
