/** One look at a running part. */
export interface StallSample {
  readonly atMs: number;
  readonly bytes: number;
}

/**
 * Whether a connection is to be replaced: less than `bytesPerSecond` over at least `windowMs`. A pause of our own
 * (slow disk) is no stall: the caller starts a new window for it.
 */
export function isStalled(
  from: StallSample,
  now: StallSample,
  limits: { readonly bytesPerSecond: number; readonly windowMs: number },
): 'stalled' | 'moving' | 'too-early' {
  const spanMs = now.atMs - from.atMs;
  if (spanMs < limits.windowMs) return 'too-early';
  return ((now.bytes - from.bytes) * 1000) / spanMs < limits.bytesPerSecond ? 'stalled' : 'moving';
}

/** Watches one exchange and calls `onStall` once. The timer ends with `stop`. */
export function watchStall(options: {
  readonly bytes: () => number;
  readonly isPaused: () => boolean;
  readonly bytesPerSecond: number;
  readonly windowMs: number;
  readonly nowMs: () => number;
  readonly onStall: () => void;
}): { stop(): void } {
  let from: StallSample = { atMs: options.nowMs(), bytes: options.bytes() };
  const timer = setInterval(
    () => {
      const now = { atMs: options.nowMs(), bytes: options.bytes() };
      if (options.isPaused()) from = now;
      const seen = isStalled(from, now, options);
      if (seen === 'moving') from = now;
      if (seen !== 'stalled') return;
      clearInterval(timer);
      options.onStall();
    },
    Math.ceil(options.windowMs / 5),
  );
  return { stop: () => clearInterval(timer) };
}
