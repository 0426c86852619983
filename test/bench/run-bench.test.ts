import { describe, expect, it } from 'vitest';
import {
  type BenchOptions,
  type BenchResult,
  compareWithVllmBench,
  explainBench,
  renderBench,
  renderComparison,
  runBench,
} from '../../src/bench/index.ts';
import { type Reporter, silentReporter } from '../../src/lib/index.ts';
import { type MockEngine, type MockProgram, startMockEngine } from '../fixtures/mock-engine/index.ts';

const idleLoop = () => ({ stop: () => ({ loopUtilisation: 0.1, loopDelayP99Ms: 0.2, cpuShare: 0.1 }) });
const busyLoop = () => ({ stop: () => ({ loopUtilisation: 0.9, loopDelayP99Ms: 30, cpuShare: 1 }) });

interface Run {
  readonly program?: Partial<MockProgram>;
  readonly options?: Partial<BenchOptions>;
  readonly reporter?: Reporter;
  readonly signal?: AbortSignal;
  readonly watchLoop?: typeof idleLoop;
  readonly engine?: MockEngine;
}

async function bench(run: Run): Promise<{ result: BenchResult; engine: MockEngine }> {
  const engine = run.engine ?? (await startMockEngine(run.program ?? {}));
  const options: BenchOptions = {
    baseUrl: engine.url,
    apiKey: null,
    model: 'mock',
    scenario: 'quick',
    inputTokens: 50,
    outputTokens: 12,
    concurrency: [1, 3],
    requestsPerLevel: 6,
    seed: 1,
    maxSeconds: 0,
    ...run.options,
  };
  try {
    const signal = run.signal ?? new AbortController().signal;
    const result = await runBench(options, run.reporter ?? silentReporter, signal, {
      watchLoop: run.watchLoop ?? idleLoop,
    });
    return { result, engine };
  } finally {
    await engine.close();
  }
}

describe('runBench', () => {
  it('measures every level with tokens from usage and stores the definitions', async () => {
    const { result } = await bench({});
    expect(result).toMatchObject({ schema: 'stepctl/bench/1', verdict: 'measured', stopped: null });
    expect(result.levels.map((level) => level.concurrency)).toEqual([1, 3]);
    for (const level of result.levels) {
      expect(level).toMatchObject({
        requests: { sent: 6, ok: 6, failed: 0, cut: 0 },
        outputTokens: 72,
        itlSource: 'continuous_usage',
        outputLength: { asked: 12, met: 6 },
      });
      expect(level.ttft.n).toBe(6);
      expect(level.ttft.p99).toBeNull();
    }
    expect(result.definitions).toHaveProperty('ttft');
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  });

  it('never sends a prompt twice and keeps warm-up out of the figures', async () => {
    const { engine, result } = await bench({});
    const prompts = engine.bodies.map((body) => JSON.stringify(body['messages']));
    expect(new Set(prompts).size).toBe(prompts.length);
    const counted = result.levels.reduce((sum, level) => sum + level.requests.sent, 0);
    expect(prompts.length).toBeGreaterThan(counted);
    expect(result.warmUp.requests).toBeGreaterThanOrEqual(2);
    const salts = engine.bodies.map((body) => body['cache_salt']);
    expect(new Set(salts).size).toBe(salts.length);
  });

  it('learns the prompt length from the server', async () => {
    const { result } = await bench({ options: { inputTokens: 300 } });
    for (const level of result.levels)
      expect(Math.abs((level.inputLength.p50 ?? 0) - 300)).toBeLessThanOrEqual(6);
  });

  it('does without fields that a strict front door refuses, and says what that costs', async () => {
    const refusedFields = ['cache_salt', 'stream_options.continuous_usage_stats'];
    const { result, engine } = await bench({ program: { refusedFields } });
    expect(result.fields.refused.map(({ field, status }) => [field, status])).toEqual(
      refusedFields.map((field) => [field, 400]),
    );
    expect(result.levels[0]).toMatchObject({ itlSource: 'chunk', outputTokens: 72 });
    expect(engine.bodies.at(-1)).not.toHaveProperty('cache_salt');
    expect(result.notes.join('\n')).toContain('refused the field cache_salt (400): prompts are kept cold');
    expect(result.notes.join('\n')).toContain('itl_source is chunk');
  });

  it('gives up with the server’s own words when even a plain request is refused', async () => {
    const refuse = { status: 400, body: 'no such adapter', times: 99 };
    await expect(bench({ program: { refuse } })).rejects.toMatchObject({
      code: 'STEP_API_REFUSED',
      reason: 'no such adapter',
    });
  });

  it('counts failures with status and body and keeps them out of the latencies', async () => {
    const engine = await startMockEngine();
    const reporter: Reporter = {
      ...silentReporter,
      stage: (name) => {
        if (name === 'concurrency 1')
          engine.program({ refuse: { status: 503, body: 'overloaded', times: 2 } });
      },
    };
    const { result } = await bench({ engine, reporter, options: { concurrency: [1] } });
    expect(result.levels[0]?.requests).toMatchObject({ sent: 6, ok: 4, failed: 2 });
    expect(result.levels[0]?.errors).toMatchObject([
      { kind: 'refused', status: 503, message: 'overloaded', count: 2 },
    ]);
    expect(result.levels[0]?.errors[0]?.body).toContain('overloaded');
    expect(result.levels[0]?.ttft.n).toBe(4);
    expect(result.notes.join('\n')).toContain('2 of 6 requests failed');
  });

  it.each([
    ['in-stream', { kind: 'error-event', afterChunks: 3 }],
    ['broken', { kind: 'disconnect', afterChunks: 3 }],
    ['truncated', { kind: 'no-finish', afterChunks: 3 }],
  ] as const)(
    'takes a stream that is %s for a failure; with no success there is nothing measured',
    async (kind, fault) => {
      const engine = await startMockEngine();
      const reporter: Reporter = {
        ...silentReporter,
        stage: (name) => name.startsWith('concurrency') && engine.program({ fault }),
      };
      const { result } = await bench({ engine, reporter, options: { concurrency: [2] } });
      expect(result.verdict).toBe('nothing');
      expect(result.levels[0]?.errors[0]).toMatchObject({ kind, count: 6 });
      expect(result.levels[0]?.throughput.outputTokens).toBeNull();
    },
  );

  it('gives a valid partial result on Ctrl-C and stops the work on the server', async () => {
    const stop = new AbortController();
    const engine = await startMockEngine({ itlMs: 2 });
    const reporter: Reporter = { ...silentReporter, progress: ({ done }) => done === 2 && stop.abort() };
    const { result } = await bench({
      engine,
      reporter,
      signal: stop.signal,
      options: { concurrency: [2, 4], outputTokens: 24 },
    });
    expect(result).toMatchObject({ verdict: 'partial', stopped: 'interrupted' });
    expect(result.levels).toHaveLength(1);
    const counts = result.levels[0]?.requests;
    expect(counts?.failed).toBe(0);
    expect((counts?.ok ?? 0) + (counts?.cut ?? 0)).toBe(counts?.sent);
    expect(renderBench(result)).toContain('PARTIAL');
    await expect.poll(() => engine.running()).toBe(0);
  });

  it('is a result without levels when it was stopped before the first', async () => {
    const { result } = await bench({ signal: AbortSignal.abort() });
    expect(result).toMatchObject({ verdict: 'nothing', stopped: 'interrupted', levels: [] });
    expect(renderBench(result)).toContain('NOTHING MEASURED');
  });

  it('ends at its time budget', async () => {
    const { result } = await bench({
      program: { itlMs: 20 },
      options: { maxSeconds: 0.6, requestsPerLevel: 5000 },
    });
    expect(result.stopped).toBe('max-seconds');
    expect(result.notes.join('\n')).toContain('the budget of 0.6 s ended the run');
  });

  it('calls itself client-bound when its own loop was busy', async () => {
    const { result } = await bench({ watchLoop: busyLoop });
    expect(result.verdict).toBe('client-bound');
    expect(renderBench(result)).toContain('CLIENT-BOUND');
  });

  it('cross-checks with the counters of the server: hit rate and tokens', async () => {
    let generated = 0;
    const readMetrics = (): Promise<string> => {
      generated += 100;
      return Promise.resolve(
        `vllm:generation_tokens_total ${generated}\nvllm:prefix_cache_queries_total ${generated}\nvllm:prefix_cache_hits_total ${generated / 2}\n`,
      );
    };
    const { result } = await bench({ options: { readMetrics, concurrency: [1] } });
    expect(result.levels[0]).toMatchObject({ serverOutputTokens: 100, cache: { hitRate: 0.5 } });
    expect(result.notes.join('\n')).toContain('not cold: prefix cache hit rate 50 %');
    expect(result.notes.join('\n')).toContain(
      'the server generated 100 tokens, its usage fields add up to 72',
    );
  });

  it.each([
    ['several tokens a chunk', { tokensPerChunk: 4 }, 4],
    ['one token a chunk', {}, 1],
  ])('counts tokens, not chunks: %s', async (_name, program, perChunk) => {
    const { result } = await bench({ program: { ...program, itlMs: 3 }, options: { concurrency: [1] } });
    const level = result.levels[0];
    expect(level?.outputTokens).toBe(72);
    expect(level?.tokensPerGroup).toBeGreaterThanOrEqual(perChunk);
    expect(level?.itl.n).toBeLessThanOrEqual(6 * 12 - 6 * perChunk);
  });

  it('measures a server that sends no usage, and says that chunks were counted', async () => {
    const { result } = await bench({ program: { usage: 'none' }, options: { concurrency: [1] } });
    expect(result.levels[0]).toMatchObject({ outputTokens: 72, itlSource: 'chunk' });
    expect(result.notes.join('\n')).toContain('token counts are chunk counts');
  });

  it('orders its times as their definitions do', async () => {
    const { result } = await bench({
      program: { itlMs: 1, ttftMs: 5, reasoningTokens: 4 },
      options: { concurrency: [1] },
    });
    const level = result.levels[0];
    if (level === undefined) throw new Error('no level');
    const times = [level.ttfr, level.ttft, level.ttfo, level.e2e, level.e2eDone].map(
      (each) => each.p50 ?? Number.NaN,
    );
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(level.ttftVllm.p50).toBeLessThanOrEqual(level.ttft.p50 ?? 0);
  });
});

describe('renderBench', () => {
  it('fits 80 columns and shows units and formulas', async () => {
    const { result } = await bench({});
    const table = renderBench({ ...result, notes: [] });
    for (const line of table.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(table).toContain('streams     ok       out per user      TTFT');
    expect(table).toContain('TPOT = (last − first) / (N − n_first)');
  });

  it('explains every figure of the result', () => {
    const text = explainBench();
    for (const name of ['ttfr', 'ttft', 'ttfo', 'itl', 'tpot', 'tpotVllm', 'e2e', 'percentiles'])
      expect(text).toContain(`\n${name} `);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });
});

const flat = (value: number) => ({
  n: 6,
  mean: value,
  p50: value,
  p90: value,
  p95: value,
  p99: null,
  min: value,
  max: value,
});

async function withLevel(): Promise<BenchResult> {
  const { result } = await bench({ options: { concurrency: [3] } });
  const levels = result.levels.map((level) => ({
    ...level,
    ttftVllm: flat(10.3),
    tpotVllm: flat(4),
    itl: flat(4),
    throughput: { ...level.throughput, outputTokens: 24, requests: 2 },
  }));
  return { ...result, levels };
}

describe('compareWithVllmBench', () => {
  const vllm = {
    request_throughput: 2,
    output_throughput: 24,
    mean_ttft_ms: 10,
    median_ttft_ms: 10,
    mean_tpot_ms: 4,
    median_tpot_ms: 4,
    mean_itl_ms: 4,
    median_itl_ms: 0,
    max_concurrency: 3,
  };

  it('agrees within the tolerance on what both define alike', async () => {
    const comparison = compareWithVllmBench(await withLevel(), vllm);
    expect(comparison).toMatchObject({ schema: 'stepctl/bench-vllm/1', concurrency: 3, agrees: true });
    expect(comparison.figures.find((each) => each.figure === 'median itl')).toMatchObject({
      isShared: false,
      ratio: null,
    });
    expect(renderComparison(comparison)).toContain('tolerance 5 %: agrees');
  });

  it('differs beyond it', async () => {
    const result = await withLevel();
    expect(compareWithVllmBench(result, { ...vllm, median_tpot_ms: 5 }).agrees).toBe(false);
    expect(compareWithVllmBench(result, { ...vllm, median_tpot_ms: 5 }, 0.3).agrees).toBe(true);
  });

  it.each([
    ['another file', { schema: 'x' }, 'this is no result of vllm bench serve'],
    ['another concurrency', { ...vllm, max_concurrency: 8 }, 'no level of this run has concurrency 8'],
  ])('refuses %s', async (_name, json, verdict) => {
    const result = await withLevel();
    expect(() => compareWithVllmBench(result, json)).toThrow(verdict);
  });
});
