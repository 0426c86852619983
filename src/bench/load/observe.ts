import { type ApiClient, ApiError, type StreamEvent } from '../../lib/openai-client/index.ts';
import { measureRequest } from '../measure/record.ts';
import type { RequestError, RequestRecord } from '../types.ts';

export interface ObserveParts {
  readonly client: ApiClient;
  readonly index: number;
  readonly body: Record<string, unknown>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Sends one streaming request and measures it. Never throws: a failure is part of the record. */
export async function observeRequest(parts: ObserveParts): Promise<RequestRecord> {
  const events: StreamEvent[] = [];
  let error: RequestError | null = null;
  let isCut = false;
  try {
    const options = { signal: parts.signal, timeoutMs: parts.timeoutMs };
    for await (const event of parts.client.stream('/v1/chat/completions', parts.body, options))
      events.push(event);
  } catch (thrown) {
    if (!(thrown instanceof ApiError)) throw thrown;
    const { kind, status, message, body, requestId } = thrown.failure;
    if (kind === 'aborted') isCut = true;
    else error = { kind, status, message, body, requestId };
  }
  return measureRequest({ index: parts.index, events, error, isCut, finishedAt: performance.now() });
}
