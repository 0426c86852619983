import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Exchange } from '../exchange.ts';
import { upstreamHeaders } from '../headers.ts';
import { AnswerBuffer } from './answer-buffer.ts';
import type { Outcome, Receiver } from './receiver.ts';
import { StreamRelay } from './stream-relay.ts';
import type { Upstream } from './upstream.ts';

/** One object for all cancels: an error made per cancel would cost its stack. */
const cancelled = new Error('the proxy does not want this answer any more');

export interface AttemptDeps {
  readonly nowMs: () => number;
  readonly isClosing: () => boolean;
  /** Called once, unless the attempt was cancelled. */
  readonly done: (attempt: Attempt, outcome: Outcome) => void;
}

/** One try to get an exchange answered: a raw handler of undici, which hands over pieces without streams or promises. */
export class Attempt implements Dispatcher.DispatchHandler {
  readonly exchange: Exchange;
  readonly upstream: Upstream;
  readonly incarnation: number;
  readonly #deps: AttemptDeps;
  #controller: Dispatcher.DispatchController | null = null;
  #receiver: Receiver | null = null;
  #isOver = false;
  hasAnswerBytes = false;

  constructor(exchange: Exchange, upstream: Upstream, incarnation: number, deps: AttemptDeps) {
    this.exchange = exchange;
    this.upstream = upstream;
    this.incarnation = incarnation;
    this.#deps = deps;
  }

  start(path: string): void {
    const { body, id, traceparent } = this.exchange;
    this.upstream.pool.dispatch(
      {
        origin: this.upstream.origin,
        path,
        method: 'POST',
        headers: upstreamHeaders(id, this.exchange.isStream, traceparent),
        body: body?.bytes ?? null,
      },
      this,
    );
  }

  /** Ends it at the engine, too; nothing is called back. */
  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#controller?.abort(cancelled);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isOver) controller.abort(cancelled);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    // 1xx answers are not passed on.
    if (this.#isOver || status < 200) return;
    this.hasAnswerBytes = true;
    const { exchange } = this;
    const isEvents = headers['content-type']?.startsWith('text/event-stream') === true;
    const { nowMs, isClosing } = this.#deps;
    this.#receiver =
      isEvents && status === 200 && exchange.isStream
        ? new StreamRelay(exchange, { nowMs, isClosing, stop: (outcome) => this.#stop(outcome) })
        : new AnswerBuffer(exchange, status, headers, nowMs);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver) return;
    const { exchange } = this;
    exchange.lastByteAtMs = this.#deps.nowMs();
    if (this.#receiver?.data(chunk) !== false || this.#isOver) return;
    // The client does not keep up: nothing more is read from the engine until it does.
    controller.pause();
    exchange.blockedSinceMs = exchange.lastByteAtMs;
    exchange.response.once('drain', () => {
      exchange.blockedSinceMs = null;
      controller.resume();
    });
  }

  onResponseEnd(): void {
    if (this.#isOver) return;
    const outcome = this.#receiver?.end() ?? {
      kind: 'lost' as const,
      error: new Error('an answer without a head'),
    };
    if (!this.#isOver) this.#finish(outcome);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (!this.#isOver) this.#finish({ kind: 'lost', error });
  }

  #stop(outcome: Outcome): void {
    if (this.#isOver) return;
    this.#finish(outcome);
    this.#controller?.abort(cancelled);
  }

  #finish(outcome: Outcome): void {
    this.#isOver = true;
    this.#deps.done(this, outcome);
  }
}
