import type { RequestRecord, TokenGroup } from '../types.ts';

/** Most tokens in any window of `windowMs`, per second; null without tokens. Counts tokens, not chunks (vLLM issue 50677). */
export function findPeakRate(groups: readonly TokenGroup[], windowMs: number): number | null {
  const sorted = groups.toSorted((a, b) => a.at - b.at);
  let from = 0;
  let tokens = 0;
  let best = 0;
  for (const group of sorted) {
    tokens += group.tokens;
    for (
      let oldest = sorted[from];
      oldest !== undefined && oldest.at <= group.at - windowMs;
      oldest = sorted[from]
    ) {
      tokens -= oldest.tokens;
      from += 1;
    }
    best = Math.max(best, tokens);
  }
  return best === 0 ? null : (best * 1000) / windowMs;
}

export interface SteadyWindow {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * The stretch in which all `concurrency` slots were busy: from the moment the last of the first round was sent to the
 * first end after the last request was sent. Ramp and stragglers, which pull a mean down, are outside. null when the
 * level had no such stretch.
 */
export function findSteadyWindow(
  records: readonly RequestRecord[],
  concurrency: number,
): SteadyWindow | null {
  const sent = records.flatMap(({ sentAt, endedAt }) => (sentAt === null ? [] : [{ sentAt, endedAt }]));
  if (sent.length < concurrency) return null;
  const starts = sent.map((each) => each.sentAt).toSorted((a, b) => a - b);
  const fromMs = starts[concurrency - 1] ?? 0;
  const lastStart = starts.at(-1) ?? 0;
  const ends = sent.map((each) => each.endedAt).filter((endedAt) => endedAt > lastStart);
  const toMs = Math.min(...ends);
  return Number.isFinite(toMs) && toMs > fromMs ? { fromMs, toMs } : null;
}

/** Tokens of a window per second. */
export function rateInWindow(groups: readonly TokenGroup[], window: SteadyWindow): number {
  let tokens = 0;
  for (const group of groups) if (group.at > window.fromMs && group.at <= window.toMs) tokens += group.tokens;
  return (tokens * 1000) / (window.toMs - window.fromMs);
}
