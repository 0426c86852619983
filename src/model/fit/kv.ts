/** What decides how vLLM lays out its KV cache: one GPU's share of a model with full and sliding attention. */
export interface KvShape {
  readonly fullLayers: number;
  readonly slidingLayers: number;
  /** Tokens that a sliding layer looks back; 0 without sliding layers. */
  readonly window: number;
  /** Keys and values of one token in one layer on one GPU. */
  readonly bytesPerTokenAndLayer: number;
}

export interface KvSettings {
  readonly blockTokens: number;
  /** Tokens scheduled and not settled: a sliding layer keeps them beyond its window. */
  readonly inFlightTokens: number;
}

/** Layers that share a block table are grouped; every group has this many, short ones are padded (vLLM kv_cache_utils). */
function grouping({ fullLayers, slidingLayers }: KvShape): { size: number; full: number; sliding: number } {
  const counts = [fullLayers, slidingLayers].filter((count) => count > 0);
  const least = Math.min(...counts);
  const most = Math.max(...counts);
  // Nearly as many of one kind as of the other: padding the smaller costs less than splitting the larger.
  const size = most < least * 1.5 ? most : least;
  return { size, full: Math.ceil(fullLayers / size), sliding: Math.ceil(slidingLayers / size) };
}

/** Blocks that one request of this length holds at most. Pure. */
export function blocksPerRequest(shape: KvShape, settings: KvSettings, tokens: number): number {
  const { blockTokens, inFlightTokens } = settings;
  const { full, sliding } = grouping(shape);
  const kept = Math.min(shape.window - 1 + inFlightTokens, tokens);
  return full * Math.ceil(tokens / blockTokens) + sliding * (Math.ceil(kept / blockTokens) + 1);
}

export const blocksIn = (shape: KvShape, { blockTokens }: KvSettings, bytes: number): number =>
  Math.max(0, Math.floor(bytes / (grouping(shape).size * blockTokens * shape.bytesPerTokenAndLayer)));

export interface KvCapacity {
  readonly blocks: number;
  /** Requests of the asked length at once, as vLLM prints it. */
  readonly concurrency: number;
  /** Tokens as newer vLLM prints them: concurrency times length. */
  readonly tokens: number;
  /** Longest single request, at most `contextLimit`. */
  readonly longestContext: number;
}

/** What fits into so many bytes of one GPU, by the arithmetic of vLLM's own allocator (read in 0.16.0 and 0.32.0). Pure. */
export function kvCapacity(
  shape: KvShape,
  settings: KvSettings,
  bytes: number,
  context: number,
  contextLimit: number,
): KvCapacity {
  const blocks = blocksIn(shape, settings, bytes);
  let longest = 0;
  for (let low = 1, high = contextLimit; low <= high;) {
    const middle = Math.floor((low + high) / 2);
    if (blocksPerRequest(shape, settings, middle) <= blocks) {
      longest = middle;
      low = middle + 1;
    } else high = middle - 1;
  }
  const concurrency = blocks / blocksPerRequest(shape, settings, context);
  return { blocks, concurrency, tokens: Math.floor(concurrency * context), longestContext: longest };
}
