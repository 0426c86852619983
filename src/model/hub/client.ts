import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import type { Dispatcher } from 'undici';
import type { Clock, Reporter } from '../../lib/index.ts';
import type { BodySource } from './body-source.ts';
import { type BodySink, exchange, type ExchangeEnd, headerOf, type HeaderMap } from './exchange.ts';
import {
  type AskedFor,
  brokenAnswer,
  describeAnswer,
  explainRefusal,
  failureText,
  unreachable,
} from './refusal.ts';
import { decideRetry, isAbsent, readThrottle, type RetryPolicy } from './retry.ts';
import type { ThrottleGate } from './throttle-gate.ts';

/** Everything a request of one pull needs; made once by the pull. */
export interface HubClient {
  readonly endpoint: string;
  readonly repo: string;
  readonly token: string | null;
  readonly tokenSource: string | null;
  readonly dispatcher: Dispatcher;
  /** Bodies of files. */
  readonly bodies: BodySource;
  readonly policy: RetryPolicy;
  readonly gate: ThrottleGate;
  readonly clock: Clock;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
}

export interface HubAnswer {
  readonly status: number;
  readonly headers: HeaderMap;
  readonly body: Buffer;
  readonly url: URL;
}

export const userAgent = `stepctl (node ${process.versions.node})`;

/** Headers of every request. The token goes to the hub's own origin and nowhere else (S3 links reject it, too). */
export function requestHeaders(client: Pick<HubClient, 'token'>, isHub: boolean): Record<string, string> {
  const headers: Record<string, string> = { 'user-agent': userAgent, 'accept-encoding': 'identity' };
  if (client.token !== null && isHub) headers['authorization'] = `Bearer ${client.token}`;
  return headers;
}

const maxApiBytes = 64 << 20;

const collector = (chunks: Buffer[]): BodySink => {
  let total = 0;
  return {
    push: (chunk) => {
      total += chunk.length;
      if (total <= maxApiBytes) chunks.push(chunk);
      return true;
    },
  };
};

const decoders: Readonly<Record<string, (data: Buffer) => Buffer>> = {
  gzip: (data) => gunzipSync(data, { maxOutputLength: maxApiBytes }),
  deflate: (data) => inflateSync(data, { maxOutputLength: maxApiBytes }),
  br: (data) => brotliDecompressSync(data, { maxOutputLength: maxApiBytes }),
};

/** Small answers may come encoded although identity was asked for; a listing is decoded, a shard never is. */
function decodeBody(headers: HeaderMap, body: Buffer, what: string): Buffer {
  const encoding = headerOf(headers, 'content-encoding')?.toLowerCase() ?? 'identity';
  if (encoding === 'identity' || body.length === 0) return body;
  const decode = decoders[encoding];
  if (decode === undefined) throw brokenAnswer(what, `the body is encoded as ${encoding}`);
  try {
    return decode(body);
  } catch (error) {
    throw brokenAnswer(
      what,
      `the body says ${encoding} and is not: ${error instanceof Error ? error.message : ''}`,
    );
  }
}

interface HubRequest {
  readonly url: URL;
  readonly method: 'GET' | 'HEAD';
  readonly asked: AskedFor;
}

type Refused = Extract<ExchangeEnd, { kind: 'refused' }>;

/** One try: the answer, or how it failed. */
async function askOnce(
  client: HubClient,
  request: HubRequest,
  accepted: (status: number) => boolean,
): Promise<HubAnswer | Refused | Error> {
  const chunks: Buffer[] = [];
  let seen: { status: number; headers: HeaderMap } | null = null;
  // A page of the list may be linked from another host; it gets no token.
  const isHub = request.url.origin === new URL(client.endpoint).origin;
  const end = await exchange({
    dispatcher: client.dispatcher,
    url: request.url,
    method: request.method,
    headers: { ...requestHeaders(client, isHub), accept: 'application/json, */*' },
    signal: client.signal,
    accept: (status, headers) => {
      if (!accepted(status)) return null;
      seen = { status, headers };
      return collector(chunks);
    },
  });
  client.signal.throwIfAborted();
  if (end.kind === 'refused') return end;
  const answer = seen as { status: number; headers: HeaderMap } | null;
  if (end.kind === 'failed' || answer === null)
    return end.kind === 'failed' ? end.error : new Error('no answer');
  const body = decodeBody(answer.headers, Buffer.concat(chunks), request.asked.what);
  return { ...answer, body, url: request.url };
}

/**
 * Asks the hub one thing: waits at the gate, retries what may pass (5xx, resets, 429 as told), and throws a named
 * StepError for the rest. `accepted` says which statuses are an answer; redirects are answers too and never followed here.
 */
export async function askHub(
  client: HubClient,
  request: HubRequest,
  accepted: (status: number) => boolean,
): Promise<HubAnswer> {
  const { what } = request.asked;
  for (let failures = 1; ; failures += 1) {
    await client.gate.pass(client.signal);
    const result = await askOnce(client, request, accepted);
    if (!(result instanceof Error) && !('kind' in result)) return result;
    const facts =
      result instanceof Error
        ? { failures, status: null, throttleMs: null, isAbsent: isAbsent(result) }
        : { failures, status: result.status, throttleMs: throttleOf(result.headers, client.clock) };
    const decision = decideRetry(facts, client.policy, Math.random());
    if (decision.action === 'give-up')
      throw result instanceof Error
        ? unreachable(what, request.url, result)
        : explainRefusal(result, request.asked);
    if (decision.throttled) {
      client.gate.close(decision.waitMs);
      continue;
    }
    const why = result instanceof Error ? failureText(result) : describeAnswer(result);
    client.reporter.stage(
      'retry',
      `${what}: ${why}; asking again (${failures} of ${client.policy.maxFailures})`,
    );
    await client.clock.sleep(decision.waitMs, client.signal);
  }
}

export const throttleOf = (headers: HeaderMap, clock: Clock): number | null =>
  readThrottle(
    { rateLimit: headerOf(headers, 'ratelimit'), retryAfter: headerOf(headers, 'retry-after') },
    clock.now(),
  );

/** Parses an answer that must be JSON; an HTML page (captive portal, wrong HF_ENDPOINT, login wall) is named as such. */
export function parseJson(answer: HubAnswer, what: string): unknown {
  const text = answer.body.toString('utf8');
  const type = headerOf(answer.headers, 'content-type') ?? '';
  try {
    return JSON.parse(text);
  } catch {
    const isPage = type.includes('html') || /^\s*</.test(text);
    const said = describeAnswer({ status: answer.status, headers: answer.headers, body: text });
    throw brokenAnswer(
      what,
      `${isPage ? 'an HTML page came' : 'it is not JSON'} from ${answer.url.origin} (${said})`,
    );
  }
}
