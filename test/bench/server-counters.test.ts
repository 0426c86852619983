import { describe, expect, it } from 'vitest';
import {
  diffCounters,
  parseServerCounters,
  readServerCounters,
} from '../../src/bench/load/server-counters.ts';

const page = `# HELP vllm:generation_tokens_total Number of generation tokens processed.
# TYPE vllm:generation_tokens_total counter
vllm:generation_tokens_total{engine="0",model_name="step"} 120.0
vllm:generation_tokens_total{engine="1",model_name="step"} 30.0
vllm:generation_tokens_total_created{engine="0"} 1.7e+09
vllm:prefix_cache_queries_total{engine="0",model_name="a}b"} 1000.0
vllm:prefix_cache_hits_total 16
`;

describe('parseServerCounters', () => {
  it('adds up the label sets and takes no name that only begins alike', () => {
    expect(parseServerCounters(page)).toEqual({ generationTokens: 150, cacheQueries: 1000, cacheHits: 16 });
  });

  it('has nulls for what is not there', () => {
    expect(parseServerCounters('')).toEqual({ generationTokens: null, cacheQueries: null, cacheHits: null });
  });
});

describe('diffCounters', () => {
  it('gives tokens and hit rate of the stretch', () => {
    const before = { generationTokens: 100, cacheQueries: 1000, cacheHits: 500 };
    const after = { generationTokens: 164, cacheQueries: 1200, cacheHits: 510 };
    expect(diffCounters(before, after)).toEqual({ generationTokens: 64, hitRate: 0.05 });
  });

  it('knows no hit rate when nothing was looked up or nothing was read', () => {
    const same = { generationTokens: 1, cacheQueries: 5, cacheHits: 2 };
    expect(diffCounters(same, same).hitRate).toBeNull();
    expect(diffCounters(null, same)).toEqual({ generationTokens: null, hitRate: null });
  });
});

describe('readServerCounters', () => {
  it('does without when the page cannot be read', async () => {
    expect(await readServerCounters(() => Promise.reject(new Error('404')))).toBeNull();
    expect(await readServerCounters(undefined)).toBeNull();
  });
});
