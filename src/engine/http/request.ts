import { StepError } from '../../lib/index.ts';
import type { Endpoint } from '../types.ts';
import { dispatcherFor, originOf } from './dispatcher.ts';

/** Largest answer that is read into memory; a page of metrics has about 60 kB. */
const maxAnswerBytes = 16 * 1024 * 1024;

export interface EngineRequest {
  /** Begins with `/`. */
  readonly path: string;
  /** POST when there is a body, else GET. */
  readonly method?: 'GET' | 'POST';
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  /** From the call to the last byte. */
  readonly timeoutMs: number;
}

export interface EngineAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

const describe = (endpoint: Endpoint): string =>
  endpoint.kind === 'unix' ? endpoint.path : `${endpoint.host}:${endpoint.port}`;

/** System error code of a failed connection (`ECONNREFUSED`, `ENOENT`, …), through undici's wrappers; null if none. */
export function connectionErrorCode(thrown: unknown): string | null {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (error instanceof AggregateError && error.errors.length > 0)
      return connectionErrorCode(error.errors[0]);
    const code = (error as NodeJS.ErrnoException).code;
    if (typeof code === 'string' && !code.startsWith('STEP_')) return code;
  }
  return null;
}

/** Turns what a request threw into this room's error; the caller's own abort goes through as its reason. */
export function wrapRequestError(thrown: unknown, endpoint: Endpoint, request: EngineRequest): unknown {
  if (thrown instanceof StepError) return thrown;
  if (request.signal?.aborted === true) return request.signal.reason;
  const where = `${request.path} at ${describe(endpoint)}`;
  if (thrown instanceof Error && thrown.name === 'TimeoutError') {
    return new StepError('STEP_ENGINE_TIMEOUT', {
      verdict: `the engine did not answer ${where}`,
      reason: `no complete answer within ${request.timeoutMs} ms`,
      next: 'stepctl logs engine',
      cause: thrown,
    });
  }
  return new StepError('STEP_ENGINE_UNREACHABLE', {
    verdict: `no answer from the engine to ${where}`,
    reason: thrown instanceof Error ? thrown.message : String(thrown),
    next: 'stepctl status',
    details: { code: connectionErrorCode(thrown) },
    cause: thrown,
  });
}

/** Options of an undici request for this endpoint, deadline and caller's signal joined. */
export function requestOptions(endpoint: Endpoint, request: EngineRequest) {
  const deadline = AbortSignal.timeout(request.timeoutMs);
  const hasBody = request.body !== undefined;
  return {
    origin: originOf(endpoint),
    path: request.path,
    method: request.method ?? (hasBody ? ('POST' as const) : ('GET' as const)),
    headers: hasBody ? { 'content-type': 'application/json' } : {},
    body: hasBody ? JSON.stringify(request.body) : null,
    signal: request.signal === undefined ? deadline : AbortSignal.any([deadline, request.signal]),
  };
}

/**
 * One request to an engine, whole answer in memory (at most 16 MiB), any status.
 * Throws STEP_ENGINE_UNREACHABLE, STEP_ENGINE_TIMEOUT or STEP_ENGINE_BAD_ANSWER, or the signal's reason.
 */
export async function requestEngine(endpoint: Endpoint, request: EngineRequest): Promise<EngineAnswer> {
  try {
    const answer = await dispatcherFor(endpoint).request(requestOptions(endpoint, request));
    const parts: Buffer[] = [];
    let size = 0;
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxAnswerBytes) {
        throw new StepError('STEP_ENGINE_BAD_ANSWER', {
          verdict: `the answer to ${request.path} is larger than ${maxAnswerBytes} bytes`,
        });
      }
      parts.push(chunk);
    }
    return {
      status: answer.statusCode,
      headers: answer.headers,
      text: Buffer.concat(parts).toString('utf8'),
    };
  } catch (error) {
    throw wrapRequestError(error, endpoint, request);
  }
}

/** The answer's text as JSON. Throws STEP_ENGINE_BAD_ANSWER where it is none. */
export function parseAnswer(answer: EngineAnswer, path: string): unknown {
  try {
    return JSON.parse(answer.text);
  } catch (error) {
    throw new StepError('STEP_ENGINE_BAD_ANSWER', {
      verdict: `the answer to ${path} is not JSON`,
      reason: `status ${answer.status}, begins with ${JSON.stringify(answer.text.slice(0, 80))}`,
      cause: error,
    });
  }
}
