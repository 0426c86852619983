import type { ProxyPolicy } from '../policy.ts';
import { type Refusal, refusal, retryAfter } from '../refusal.ts';
import { createRateLimiter } from './rate.ts';

/** Fourth stage: what one key may ask for per minute and at once. */
export interface KeyLimits {
  /** null: may go on. `open` is how many requests of this key are waiting or in flight. */
  check(keyId: string, open: number, nowMs: number): Refusal | null;
}

export function createKeyLimits(
  policy: Pick<ProxyPolicy, 'requestsPerMinutePerKey' | 'concurrentPerKey'>,
): KeyLimits {
  const { requestsPerMinutePerKey: perMinute, concurrentPerKey } = policy;
  const rate = perMinute === null ? null : createRateLimiter(perMinute);
  return {
    check: (keyId, open, nowMs) => {
      if (concurrentPerKey !== null && open >= concurrentPerKey) {
        return refusal({
          status: 429,
          code: 'concurrency_limit',
          message: `this key has ${open} requests open, the limit`,
          headers: retryAfter(1_000),
          shed: 'concurrency',
        });
      }
      const waitMs = rate?.take(keyId, nowMs) ?? 0;
      if (waitMs === 0) return null;
      return refusal({
        status: 429,
        code: 'rate_limit',
        message: `this key may send ${perMinute ?? 0} requests a minute`,
        headers: retryAfter(waitMs),
        shed: 'rate',
      });
    },
  };
}
