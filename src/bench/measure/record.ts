import type { StreamChunk, StreamEvent } from '../../lib/openai-client/index.ts';
import type { RequestError, RequestRecord, TokenGroup } from '../types.ts';
import { countTokens, groupByRead, hasAnswer } from './token-groups.ts';

export interface Observation {
  readonly index: number;
  readonly events: readonly StreamEvent[];
  /** The request failed outside the stream: refused, cut, timed out. */
  readonly error: RequestError | null;
  /** The bench itself cut it (Ctrl-C, budget): neither a success nor a failure of the server. */
  readonly isCut: boolean;
  /** Monotonic ms: when the loop was done with it, used where the stream has no end of its own. */
  readonly finishedAt: number;
}

/** Turns the stamped events of one request into its figures. Pure; definitions in definitions.ts. */
export function measureRequest(observation: Observation): RequestRecord {
  const { events } = observation;
  const open = events.find((event) => event.kind === 'open');
  const end = events.findLast((event) => event.kind === 'end');
  const done = events.find((event) => event.kind === 'done');
  const chunks = events.filter((event): event is StreamChunk => event.kind === 'chunk');
  const withChoices = chunks.filter((chunk) => chunk.choices > 0);
  const count = countTokens(chunks);
  const groups = groupByRead(count.chunks);
  const usage = chunks.findLast((chunk) => chunk.usage !== null)?.usage ?? null;
  const sentAt = open?.sentAt ?? null;
  const since = (at: number | undefined): number | null =>
    at === undefined || sentAt === null ? null : at - sentAt;
  const ttftVllm = since(withChoices[0]?.readAt);
  const e2eVllm = since(withChoices.at(-1)?.readAt);
  const error = observation.isCut
    ? null
    : (observation.error ?? findStreamError(events, chunks, groups, open?.requestId ?? null));
  const isOk = error === null && !observation.isCut;
  const firstEvent = events.find((event) => event.kind !== 'open' && event.kind !== 'end');
  return {
    index: observation.index,
    status: observation.isCut ? 'cut' : error === null ? 'ok' : 'error',
    error,
    sentAt,
    endedAt: end?.endedAt ?? observation.finishedAt,
    ttfr: since(firstEvent?.readAt),
    ttft: since(groups[0]?.at),
    ttfo: since(chunks.find(hasAnswer)?.readAt),
    ttftVllm,
    tpot: isOk ? computeTpot(groups, count.total) : null,
    tpotVllm: isOk ? computeTpotVllm(ttftVllm, e2eVllm, count.total) : null,
    e2e: isOk ? since(groups.at(-1)?.at) : null,
    e2eDone: isOk ? since(done?.readAt) : null,
    groups,
    tokenSource: count.source,
    promptTokens: usage?.promptTokens ?? null,
    cachedTokens: usage?.cachedTokens ?? null,
    outputTokens: count.total,
    reasoningTokens: usage?.reasoningTokens ?? null,
    finishReason: withChoices.findLast((chunk) => chunk.finishReason !== null)?.finishReason ?? null,
    ...countReads(events),
  };
}

/** (t_last − t_first) / (N − n_first): a bundled first group costs no decode time, so its tokens are not divided by. */
export function computeTpot(groups: readonly TokenGroup[], total: number | null): number | null {
  const first = groups[0];
  const last = groups.at(-1);
  if (first === undefined || last === undefined || total === null) return null;
  const decoded = total - first.tokens;
  return decoded > 0 && groups.length > 1 ? (last.at - first.at) / decoded : null;
}

function computeTpotVllm(ttft: number | null, e2e: number | null, total: number | null): number | null {
  if (ttft === null || e2e === null || total === null || total <= 1) return null;
  return (e2e - ttft) / (total - 1);
}

/** What a 200 can still hide: an error event, an end without a finish reason, no token at all. */
function findStreamError(
  events: readonly StreamEvent[],
  chunks: readonly StreamChunk[],
  groups: readonly TokenGroup[],
  requestId: string | null,
): RequestError | null {
  const parts = { status: 200, body: null, requestId };
  const fault = events.find((event) => event.kind === 'fault');
  if (fault !== undefined) return { ...parts, kind: 'in-stream', message: fault.message };
  if (groups.length === 0) return { ...parts, kind: 'empty', message: 'the stream held no token' };
  if (!chunks.some((chunk) => chunk.finishReason !== null)) {
    return { ...parts, kind: 'truncated', message: 'the stream ended without a finish reason' };
  }
  return null;
}

function countReads(events: readonly StreamEvent[]): { events: number; eventsInSharedReads: number } {
  const reads = new Set<number>();
  let total = 0;
  for (const event of events) {
    if (event.kind === 'open' || event.kind === 'end') continue;
    total += 1;
    reads.add(event.read);
  }
  return { events: total, eventsInSharedReads: total - reads.size };
}
