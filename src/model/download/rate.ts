/** Bytes per second over the last few seconds of this session. Bytes resumed from disk never enter it. */
export interface RateMeter {
  add(bytes: number): void;
  /** null until a second has passed. */
  perSecond(): number | null;
  readonly total: () => number;
}

/** Makes a meter over a sliding window; `nowMs` is monotonic. */
export function createRateMeter(nowMs: () => number, windowMs = 8000): RateMeter {
  const startedMs = nowMs();
  const buckets: { atMs: number; bytes: number }[] = [];
  const bucketMs = windowMs / 32;
  let total = 0;
  return {
    add: (bytes) => {
      total += bytes;
      const now = nowMs();
      const last = buckets.at(-1);
      if (last !== undefined && now - last.atMs < bucketMs) last.bytes += bytes;
      else buckets.push({ atMs: now, bytes });
      while (buckets[0] !== undefined && now - buckets[0].atMs > windowMs) buckets.shift();
    },
    perSecond: () => {
      const now = nowMs();
      const spanMs = Math.min(windowMs, now - startedMs);
      if (spanMs < 1000) return null;
      const recent = buckets.filter((bucket) => now - bucket.atMs <= spanMs);
      return (recent.reduce((sum, bucket) => sum + bucket.bytes, 0) * 1000) / spanMs;
    },
    total: () => total,
  };
}

/** Time left at a rate; null while the rate is unknown or zero. */
export const etaMs = (leftBytes: number, rate: number | null): number | null =>
  rate === null || rate <= 0 ? null : Math.round((leftBytes / rate) * 1000);
