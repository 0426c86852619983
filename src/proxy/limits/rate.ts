/** A token bucket per name. Bounded: the longest unused names go first, and a full bucket is the same as none. */
export interface RateLimiter {
  /** ms until one more is allowed; 0 takes one now. */
  take(name: string, nowMs: number): number;
}

interface Bucket {
  tokens: number;
  at: number;
}

export function createRateLimiter(perMinute: number, maxNames = 10_000): RateLimiter {
  const buckets = new Map<string, Bucket>();
  const perMs = perMinute / 60_000;
  return {
    take: (name, nowMs) => {
      const bucket = buckets.get(name) ?? { tokens: perMinute, at: nowMs };
      bucket.tokens = Math.min(perMinute, bucket.tokens + (nowMs - bucket.at) * perMs);
      bucket.at = nowMs;
      // Re-inserted last: a Map's order is then the order of last use.
      buckets.delete(name);
      buckets.set(name, bucket);
      if (buckets.size > maxNames)
        for (const oldest of buckets.keys()) {
          buckets.delete(oldest);
          break;
        }
      if (bucket.tokens < 1) return Math.ceil((1 - bucket.tokens) / perMs);
      bucket.tokens -= 1;
      return 0;
    },
  };
}
