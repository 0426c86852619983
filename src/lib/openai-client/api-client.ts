import type { Pool } from 'undici';
import { describeAddress } from './address.ts';
import { ApiError } from './api-error.ts';
import { decodeChunk } from './decode-chunk.ts';
import { EventQueue } from './event-queue.ts';
import { Exchange, type ResponseHead } from './exchange.ts';
import { joinSignals } from './request-signal.ts';
import { createSseSplitter } from './sse-splitter.ts';
import { openPool, pathPrefixOf } from './transport.ts';
import type { ApiAddress, ApiReply, RequestOptions, StreamEvent } from './types.ts';

const defaultTimeoutMs = 600_000;

export interface ApiClientOptions {
  readonly address: ApiAddress;
  readonly apiKey: string | null;
  /** Connections kept open, which is also the requests in flight at most; 8 unless told. */
  readonly connections?: number;
  /** Monotonic ms; tests inject their own. */
  readonly now?: () => number;
}

export interface ApiClient {
  /**
   * One request whose body is read whole. Any status is an answer, not an error.
   * @throws ApiError when there is no whole answer.
   */
  request(method: 'GET' | 'POST', path: string, body: unknown, options?: RequestOptions): Promise<ApiReply>;
  /**
   * One streaming request. The first event is `open`, the last `end`; leaving the loop early cuts the connection.
   * Iterating throws ApiError for a status outside 2xx (with the body), a cut connection, a deadline or an abort.
   */
  stream(path: string, body: unknown, options?: RequestOptions): AsyncIterableIterator<StreamEvent>;
  /** Cuts what is open and closes the connections. Idempotent. */
  close(): Promise<void>;
}

/** Opens a client of an OpenAI-compatible API. Connects on the first request; `close` it when done. */
export function openApiClient(options: ApiClientOptions): ApiClient {
  const pool = openPool(options.address, options.connections ?? 8);
  const prefix = pathPrefixOf(options.address);
  const now = options.now ?? (() => performance.now());
  const context = { pool, now, prefix, options };
  return {
    request: (method, path, body, request) => requestWhole(context, method, path, body, request ?? {}),
    stream: (path, body, request) => requestStream(context, path, body, request ?? {}),
    close: () => pool.destroy(),
  };
}

interface Context {
  readonly pool: Pool;
  readonly now: () => number;
  readonly prefix: string;
  readonly options: ApiClientOptions;
}

function requestWhole(
  context: Context,
  method: 'GET' | 'POST',
  path: string,
  body: unknown,
  request: RequestOptions,
): Promise<ApiReply> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let head: ResponseHead | null = null;
    const exchange = new Exchange({
      what: describe(context, method, path),
      signal: joinSignals(request.signal, request.timeoutMs ?? defaultTimeoutMs),
      now: context.now,
      failOnStatus: false,
      listener: {
        onHead: (value) => {
          head = value;
        },
        onData: (bytes) => {
          pieces.push(Buffer.from(bytes));
        },
        onEnd: (endedAt) => {
          const text = Buffer.concat(pieces).toString('utf8');
          const { status, headers, sentAt } = head ?? { status: 0, headers: {}, sentAt: 0 };
          resolve({ status, headers, text, json: parseJson(text), sentAt, endedAt });
        },
        onFailure: reject,
      },
    });
    dispatch(context, exchange, method, path, body, request);
  });
}

function requestStream(
  context: Context,
  path: string,
  body: unknown,
  request: RequestOptions,
): AsyncIterableIterator<StreamEvent> {
  const what = describe(context, 'POST', path);
  const splitter = createSseSplitter();
  let bytesSeen = 0;
  let lastRead = { readAt: 0, read: 0 };
  const queue = new EventQueue<StreamEvent>({
    pause: () => exchange.pause(),
    resume: () => exchange.resume(),
    abandon: () => exchange.abandon(),
  });
  const exchange = new Exchange({
    what,
    signal: joinSignals(request.signal, request.timeoutMs ?? defaultTimeoutMs),
    now: context.now,
    failOnStatus: true,
    listener: {
      onHead: ({ status, headers, sentAt, headersAt }) => {
        const requestId = headers['x-request-id'] ?? null;
        queue.push({ kind: 'open', status, requestId, sentAt, headersAt });
      },
      onData: (bytes, readAt, read) => {
        bytesSeen += bytes.length;
        lastRead = { readAt, read };
        for (const data of splitter.push(bytes)) queue.push(decodeChunk(data, readAt, read));
      },
      onEnd: (endedAt) => {
        for (const data of splitter.end()) queue.push(decodeChunk(data, lastRead.readAt, lastRead.read));
        queue.push({ kind: 'end', endedAt, reads: exchange.reads, bytes: bytesSeen });
        queue.close();
      },
      onFailure: (error) => queue.close(error),
    },
  });
  dispatch(context, exchange, 'POST', path, body, request);
  return queue;
}

function dispatch(
  context: Context,
  exchange: Exchange,
  method: 'GET' | 'POST',
  path: string,
  body: unknown,
  request: RequestOptions,
): void {
  const apiKey = request.apiKey === undefined ? context.options.apiKey : request.apiKey;
  const headers: Record<string, string> = { accept: 'application/json, text/event-stream' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (apiKey !== null) headers['authorization'] = `Bearer ${apiKey}`;
  const payload = body === undefined ? null : JSON.stringify(body);
  context.pool.dispatch({ method, path: `${context.prefix}${path}`, headers, body: payload }, exchange);
}

function describe(context: Context, method: string, path: string): string {
  return `${method} ${describeAddress(context.options.address)}${path}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** True when a thrown value is the client's own failure of the given kind. */
export function isApiFailure(error: unknown, kind?: ApiError['failure']['kind']): error is ApiError {
  return error instanceof ApiError && (kind === undefined || error.failure.kind === kind);
}
