import type { Dispatcher } from 'undici';

export type HeaderMap = Readonly<Record<string, string | string[] | undefined>>;

/** What became of one request, seen from its end. */
export type ExchangeEnd =
  /** The answer was read to its end. */
  | { readonly kind: 'complete' }
  /** `accept` refused the answer; `body` is its first 2 KiB. */
  | { readonly kind: 'refused'; readonly status: number; readonly headers: HeaderMap; readonly body: string }
  /** Connection lost, timed out, or broken HTTP. */
  | { readonly kind: 'failed'; readonly error: Error };

/** Receives an accepted answer. */
export interface BodySink {
  /** Takes a chunk; false asks the transport to pause until `resume` is called. */
  push(chunk: Buffer): boolean;
}

export interface ExchangeRequest {
  readonly dispatcher: Dispatcher;
  readonly url: URL;
  readonly method: 'GET' | 'HEAD';
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Says whether the body goes to the returned sink (accepted), or is kept as text (null). */
  readonly accept: (status: number, headers: HeaderMap, resume: () => void) => BodySink | null;
}

/** So much of an answer nobody wants is kept for the message. */
export const keptBytes = 2048;

/** A single request over the full HTTP client, without redirects or retries, with back-pressure. Never throws. */
export function exchange(request: ExchangeRequest): Promise<ExchangeEnd> {
  const { promise, resolve } = Promise.withResolvers<ExchangeEnd>();
  let sink: BodySink | null = null;
  let refusal: { status: number; headers: HeaderMap } | null = null;
  let kept = '';
  let running: Dispatcher.DispatchController | null = null;
  const finish = (end: ExchangeEnd): void => {
    request.signal.removeEventListener('abort', onAbort);
    resolve(end);
  };
  // The end is told at once: a request that still waits for its connection is aborted when it starts.
  const onAbort = (): void => {
    running?.abort(new Error('aborted'));
    finish({ kind: 'failed', error: new Error('aborted') });
  };
  if (request.signal.aborted) return Promise.resolve({ kind: 'failed', error: new Error('aborted') });
  request.signal.addEventListener('abort', onAbort, { once: true });
  const refused = (): ExchangeEnd =>
    refusal === null ? { kind: 'complete' } : { kind: 'refused', ...refusal, body: kept };
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart: (controller) => {
      running = controller;
      if (request.signal.aborted) controller.abort(new Error('aborted'));
    },
    onResponseStart: (controller, status, headers) => {
      if (status < 200) return;
      sink = request.accept(status, headers, () => controller.resume());
      if (sink === null) refusal = { status, headers };
    },
    onResponseData: (controller, chunk) => {
      if (sink !== null) {
        if (!sink.push(chunk)) controller.pause();
        return;
      }
      kept += chunk.toString('latin1', 0, keptBytes - kept.length);
      // An answer nobody wants is not read to its end: it may be a whole shard.
      if (kept.length >= keptBytes) controller.abort(new Error('enough read'));
    },
    onResponseEnd: () => finish(refused()),
    onResponseError: (_controller, error) =>
      finish(refusal === null || request.signal.aborted ? { kind: 'failed', error } : refused()),
  };
  try {
    request.dispatcher.dispatch(
      {
        origin: request.url.origin,
        path: `${request.url.pathname}${request.url.search}`,
        method: request.method,
        headers: { ...request.headers },
      },
      handler,
    );
  } catch (error) {
    finish({ kind: 'failed', error: error instanceof Error ? error : new Error(String(error)) });
  }
  return promise;
}

/** One header as a string; the first one when it was sent twice. */
export function headerOf(headers: HeaderMap, name: string): string | null {
  const value = headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? null;
}
