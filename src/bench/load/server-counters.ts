/** Counters of vLLM's `/metrics` that bench compares with what it saw itself. */
export interface ServerCounters {
  readonly generationTokens: number | null;
  readonly cacheQueries: number | null;
  readonly cacheHits: number | null;
}

/** Sums each counter over its label sets (one per engine of a data-parallel server). */
export function parseServerCounters(page: string): ServerCounters {
  return {
    generationTokens: sumCounter(page, 'vllm:generation_tokens_total'),
    cacheQueries: sumCounter(page, 'vllm:prefix_cache_queries_total'),
    cacheHits: sumCounter(page, 'vllm:prefix_cache_hits_total'),
  };
}

function sumCounter(page: string, name: string): number | null {
  let total: number | null = null;
  for (const line of page.split('\n')) {
    if (!line.startsWith(name) || !/[{ ]/.test(line.charAt(name.length))) continue;
    const value = Number(
      line
        .slice(line.lastIndexOf('}') + 1)
        .trim()
        .split(' ')
        .at(line.includes('}') ? 0 : 1),
    );
    if (Number.isFinite(value)) total = (total ?? 0) + value;
  }
  return total;
}

export interface CounterDifference {
  readonly generationTokens: number | null;
  /** Share of the prompt tokens looked up that the prefix cache held; null when nothing was looked up. */
  readonly hitRate: number | null;
}

export function diffCounters(before: ServerCounters | null, after: ServerCounters | null): CounterDifference {
  if (before === null || after === null) return { generationTokens: null, hitRate: null };
  const queries = difference(before.cacheQueries, after.cacheQueries);
  const hits = difference(before.cacheHits, after.cacheHits);
  return {
    generationTokens: difference(before.generationTokens, after.generationTokens),
    hitRate: queries === null || hits === null || queries <= 0 ? null : hits / queries,
  };
}

function difference(before: number | null, after: number | null): number | null {
  return before === null || after === null ? null : after - before;
}

/** Reads the counters; null when there is no reader or it fails: they are a cross-check, never a condition. */
export async function readServerCounters(
  read: (() => Promise<string>) | null | undefined,
): Promise<ServerCounters | null> {
  if (read === null || read === undefined) return null;
  try {
    return parseServerCounters(await read());
  } catch {
    return null;
  }
}
