import type { StreamChunk, StreamEvent, Usage } from '../../src/lib/openai-client/index.ts';
import { measureRequest } from '../../src/bench/measure/record.ts';
import type { RequestRecord } from '../../src/bench/types.ts';

/** A record with nothing in it but what a test is about. */
export function recordOf(changes: Partial<RequestRecord>): RequestRecord {
  return {
    ...measureRequest({ index: 0, events: [], error: null, isCut: false, finishedAt: 0 }),
    status: 'ok',
    error: null,
    ...changes,
  };
}

export interface ChunkParts {
  readonly at: number;
  readonly read: number;
  readonly text?: string;
  readonly reasoning?: string;
  /** Running count of completion tokens. */
  readonly count?: number;
  readonly finish?: string;
  readonly choices?: number;
}

export function usageOf(completionTokens: number): Usage {
  return { promptTokens: 10, completionTokens, cachedTokens: null, reasoningTokens: null };
}

export function chunkOf(parts: ChunkParts): StreamChunk {
  return {
    kind: 'chunk',
    readAt: parts.at,
    read: parts.read,
    id: 'x',
    choices: parts.choices ?? 1,
    reasoning: parts.reasoning ?? '',
    content: parts.text ?? '',
    toolCalls: [],
    finishReason: parts.finish ?? null,
    usage: parts.count === undefined ? null : usageOf(parts.count),
  };
}

/** A whole stream sent at 1000 with the given chunks. */
export function streamOf(chunks: readonly StreamChunk[]): StreamEvent[] {
  const last = chunks.at(-1);
  const readAt = last?.readAt ?? 1000;
  const read = last?.read ?? 0;
  return [
    { kind: 'open', status: 200, requestId: 'r', sentAt: 1000, headersAt: 1001 },
    ...chunks,
    { kind: 'done', readAt: readAt + 2, read: read + 1 },
    { kind: 'end', endedAt: readAt + 3, reads: read + 2, bytes: 1 },
  ];
}

export function measureStream(chunks: readonly StreamChunk[]): RequestRecord {
  return measureRequest({ index: 0, events: streamOf(chunks), error: null, isCut: false, finishedAt: 0 });
}
