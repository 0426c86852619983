/** What one failed request calls for; decided by `decideRetry`. */
export type RetryDecision =
  | { readonly action: 'retry'; readonly waitMs: number; readonly throttled: boolean }
  | { readonly action: 'give-up' };

export interface RetryPolicy {
  /** Failures in a row without progress that are tolerated. */
  readonly maxFailures: number;
  readonly backoffFirstMs: number;
  readonly backoffMaxMs: number;
  /** Longest wait a 429 may ask for; longer is cut to this. */
  readonly maxThrottleMs: number;
}

/** Statuses that a second try may cure. 408 and 425 are the client-error ones that say so themselves. */
export const isTransient = (status: number): boolean =>
  status === 408 || status === 425 || status === 429 || status >= 500;

/**
 * How long a 429 or 503 asks to wait, in ms; null when it does not say. The hub sends `RateLimit: "resolvers";r=0;t=41`
 * (t in seconds, to the end of the window) and sometimes `Retry-After` (seconds or a date).
 */
export function readThrottle(
  headers: { readonly rateLimit: string | null; readonly retryAfter: string | null },
  nowMs: number,
): number | null {
  const window = /(?:^|;)\s*t=(\d+)/.exec(headers.rateLimit ?? '');
  if (window?.[1] !== undefined) return Number(window[1]) * 1000;
  const after = headers.retryAfter?.trim() ?? '';
  if (/^\d+$/.test(after)) return Number(after) * 1000;
  const date = Date.parse(after);
  return Number.isNaN(date) ? null : Math.max(0, date - nowMs);
}

// Nobody listens there, or the name is unknown: that seldom passes while a person waits.
const absent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH']);
const maxAbsent = 3;

/** Whether a transport failure says that there is no such server. */
export function isAbsent(error: Error): boolean {
  const causes = error instanceof AggregateError ? error.errors : [error.cause, error];
  return causes.some((cause) => absent.has((cause as NodeJS.ErrnoException | undefined)?.code ?? ''));
}

/**
 * Decides what follows a failure. `failures` counts this one and those before it without progress between; `random`
 * in [0, 1) spreads the waits so that parts that failed together do not come back together.
 */
export function decideRetry(
  input: {
    readonly failures: number;
    readonly status: number | null;
    readonly throttleMs: number | null;
    readonly isAbsent?: boolean;
  },
  policy: RetryPolicy,
  random: number,
): RetryDecision {
  const limit = input.isAbsent === true ? Math.min(maxAbsent, policy.maxFailures) : policy.maxFailures;
  if (input.failures > limit) return { action: 'give-up' };
  if (input.status !== null && !isTransient(input.status)) return { action: 'give-up' };
  const backoff = Math.min(policy.backoffMaxMs, policy.backoffFirstMs * 2 ** (input.failures - 1));
  if (input.status === 429 || (input.status === 503 && input.throttleMs !== null)) {
    const asked = Math.min(policy.maxThrottleMs, input.throttleMs ?? backoff);
    return { action: 'retry', waitMs: Math.ceil(asked + random * Math.min(1000, asked)), throttled: true };
  }
  return { action: 'retry', waitMs: Math.ceil(backoff * (0.5 + random / 2)), throttled: false };
}
