import type { ApiFailureKind } from './api-error.ts';

export interface RequestSignal {
  readonly signal: AbortSignal;
  /** Which failure an abort of this signal stands for. */
  kind(): ApiFailureKind;
  release(): void;
}

/** Joins the caller's signal and the request's own deadline; `release` must be called, else the timer stays. */
export function joinSignals(signal: AbortSignal | undefined, timeoutMs: number): RequestSignal {
  const own = new AbortController();
  let kind: ApiFailureKind = 'aborted';
  const onAbort = (): void => own.abort(signal?.reason);
  if (signal?.aborted === true) onAbort();
  signal?.addEventListener('abort', onAbort, { once: true });
  const timer =
    timeoutMs > 0
      ? setTimeout(() => {
          if (own.signal.aborted) return;
          kind = 'timed-out';
          own.abort(new Error(`no end after ${timeoutMs} ms`));
        }, timeoutMs)
      : null;
  timer?.unref();
  return {
    signal: own.signal,
    kind: () => kind,
    release: () => {
      if (timer !== null) clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    },
  };
}
