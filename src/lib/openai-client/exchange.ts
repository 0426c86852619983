import type { Dispatcher } from 'undici';
import { ApiError, type ApiFailure, readErrorMessage } from './api-error.ts';
import type { RequestSignal } from './request-signal.ts';

const errorBodyLimit = 64 * 1024;

export interface ResponseHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly sentAt: number;
  readonly headersAt: number;
}

/** What an exchange tells its owner; called synchronously from the socket's read, so keep them short. */
export interface ExchangeListener {
  onHead(head: ResponseHead): void;
  /** `readAt` and `read` are the same for all pieces of one socket read. */
  onData(bytes: Buffer, readAt: number, read: number): void;
  onEnd(endedAt: number): void;
  /** At most once, and nothing after it. */
  onFailure(error: ApiError): void;
}

interface ExchangeParts {
  /** For messages: `POST http://host/v1/chat/completions`. */
  readonly what: string;
  readonly signal: RequestSignal;
  readonly listener: ExchangeListener;
  readonly now: () => number;
  /** Answers outside 2xx are failures with their body; false hands them on as they are. */
  readonly failOnStatus: boolean;
}

/** One HTTP exchange on undici's handler interface: the only place where bytes can be stamped at the read. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #parts: ExchangeParts;
  #controller: Dispatcher.DispatchController | null = null;
  #head: ResponseHead | null = null;
  #sentAt = 0;
  #readAt = 0;
  #reads = 0;
  #isInRead = false;
  #isOver = false;
  #refusal: string | null = null;
  readonly #refusalDecoder = new TextDecoder();
  readonly #onAbort: () => void;

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
    this.#onAbort = () => this.#abort(parts.signal.kind(), reasonOf(parts.signal.signal.reason));
    if (parts.signal.signal.aborted) queueMicrotask(this.#onAbort);
    else parts.signal.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  get reads(): number {
    return this.#reads;
  }

  pause(): void {
    this.#controller?.pause();
  }

  resume(): void {
    this.#controller?.resume();
  }

  /** The reader is gone: cuts the connection, which is how an engine learns of it. */
  abandon(): void {
    this.#abort('aborted', 'the reader stopped');
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.#sentAt = this.#parts.now();
    if (this.#isOver) controller.abort(new Error('aborted before it was sent'));
  }

  onRequestSent(): void {
    this.#sentAt = this.#parts.now();
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (this.#isOver || status < 200) return;
    const head = {
      status,
      headers: flattenHeaders(headers),
      sentAt: this.#sentAt,
      headersAt: this.#parts.now(),
    };
    this.#head = head;
    if (this.#parts.failOnStatus && status >= 300) this.#refusal = '';
    else this.#parts.listener.onHead(head);
  }

  onResponseData(_controller: Dispatcher.DispatchController, bytes: Buffer): void {
    if (!this.#isInRead) {
      this.#readAt = this.#parts.now();
      this.#reads += 1;
      this.#isInRead = true;
      // undici drains one socket read in one synchronous run: the next microtask is after it.
      queueMicrotask(() => {
        this.#isInRead = false;
      });
    }
    if (this.#isOver) return;
    if (this.#refusal === null) this.#parts.listener.onData(bytes, this.#readAt, this.#reads - 1);
    else if (this.#refusal.length < errorBodyLimit)
      this.#refusal += this.#refusalDecoder.decode(bytes, { stream: true });
  }

  onResponseEnd(): void {
    if (this.#isOver) return;
    if (this.#refusal !== null) {
      const body = this.#refusal;
      this.#fail({ kind: 'refused', message: readErrorMessage(body) || 'the answer has no body' });
      return;
    }
    this.#finish();
    this.#parts.listener.onEnd(this.#parts.now());
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const isConnected = this.#controller !== null;
    this.#fail({ kind: isConnected ? 'broken' : 'unreachable', message: reasonOf(error) }, error);
  }

  #abort(kind: ApiFailure['kind'], message: string): void {
    const controller = this.#controller;
    this.#fail({ kind, message });
    controller?.abort(new Error(message));
  }

  #fail(parts: Pick<ApiFailure, 'kind' | 'message'>, cause?: unknown): void {
    if (this.#isOver) return;
    this.#finish();
    const failure: ApiFailure = {
      ...parts,
      status: this.#head?.status ?? null,
      body: this.#refusal === null ? null : this.#refusal.slice(0, 2000),
      requestId: this.#head?.headers['x-request-id'] ?? null,
    };
    this.#parts.listener.onFailure(new ApiError(this.#parts.what, failure, cause));
  }

  #finish(): void {
    this.#isOver = true;
    this.#parts.signal.signal.removeEventListener('abort', this.#onAbort);
    this.#parts.signal.release();
  }
}

function flattenHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return flat;
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  if (error instanceof Error) return error.message === '' ? error.name : error.message;
  return error === undefined ? 'stopped' : String(error);
}
