import type { StreamChunk } from '../../lib/openai-client/index.ts';
import type { TokenGroup, TokenSource } from '../types.ts';

export interface CountedChunk {
  readonly chunk: StreamChunk;
  /** Tokens this chunk stands for; fractions when they were spread from the total. */
  readonly tokens: number;
}

export interface TokenCount {
  readonly source: TokenSource;
  /** Only chunks that hold tokens or text, in order. */
  readonly chunks: readonly CountedChunk[];
  readonly total: number | null;
}

/**
 * Gives every chunk its tokens. With a running count in each chunk (`continuous_usage_stats`) the difference to the one
 * before is exact, also with several tokens a chunk (speculative decoding, --stream-interval, vLLM issue 42661).
 * Without it the final total is spread evenly over the chunks with text and the source says so.
 */
export function countTokens(chunks: readonly StreamChunk[]): TokenCount {
  const total = chunks.findLast((chunk) => chunk.usage !== null)?.usage?.completionTokens ?? null;
  const withChoices = chunks.filter((chunk) => chunk.choices > 0);
  // One running count is not enough: some servers put the total into the finishing chunk only.
  const counted = withChoices.filter((chunk) => chunk.usage !== null).length;
  if (counted > 0 && counted >= withChoices.filter(hasText).length) {
    return { source: 'continuous_usage', chunks: countByUsage(withChoices), total };
  }
  const holders = withChoices.filter(hasText);
  const each = total === null ? 1 : total / Math.max(1, holders.length);
  return {
    source: 'chunk',
    chunks: holders.map((chunk) => ({ chunk, tokens: each })),
    total: total ?? (holders.length || null),
  };
}

function countByUsage(chunks: readonly StreamChunk[]): CountedChunk[] {
  const counted: CountedChunk[] = [];
  let before = 0;
  for (const chunk of chunks) {
    const now = Math.max(before, chunk.usage?.completionTokens ?? before);
    const tokens = now - before;
    before = now;
    if (tokens > 0 || hasText(chunk)) counted.push({ chunk, tokens });
  }
  return counted;
}

/** Joins chunks that one socket read brought: a gap of 0 between them is the network's doing, not the engine's. */
export function groupByRead(chunks: readonly CountedChunk[]): TokenGroup[] {
  const groups: { at: number; tokens: number; read: number }[] = [];
  for (const { chunk, tokens } of chunks) {
    const last = groups.at(-1);
    if (last !== undefined && last.read === chunk.read) last.tokens += tokens;
    else groups.push({ at: chunk.readAt, tokens, read: chunk.read });
  }
  return groups.map(({ at, tokens }) => ({ at, tokens }));
}

/** True when the chunk has text on any channel: reasoning, content or a tool call. */
export function hasText(chunk: StreamChunk): boolean {
  return chunk.reasoning !== '' || hasAnswer(chunk);
}

/** True when the chunk has what the user asked for: content or a tool call, not reasoning. */
export function hasAnswer(chunk: StreamChunk): boolean {
  return chunk.content !== '' || chunk.toolCalls.some((call) => call.arguments !== '' || call.name !== null);
}
