import { randomBytes } from 'node:crypto';
import type { Reporter } from '../../lib/index.ts';
import { describeAddress, isApiFailure, openApiClient, toAddress } from '../../lib/openai-client/index.ts';
import { definitions } from '../definitions.ts';
import { takeFingerprint } from '../fingerprint.ts';
import { type LoopWatch, watchLoop } from '../load/loop-watch.ts';
import type { BenchOptions, BenchResult, LevelResult } from '../types.ts';
import { optionalFields } from '../workload/body.ts';
import { createPromptSizer } from '../workload/prompt-sizer.ts';
import { countRequests, resolveScenario } from '../workload/scenarios.ts';
import type { RunContext } from './context.ts';
import { judgeRun, writeNotes } from './judge.ts';
import { runLevel } from './level.ts';
import { probeServer } from './probe.ts';
import { warmUp } from './warm-up.ts';

export interface BenchDeps {
  /** Tests hand in a watch of their own. */
  readonly watchLoop?: () => LoopWatch;
}

/**
 * Measures a running stack through its front door (or an engine past it). Aborting `signal` cuts what is in flight and
 * still gives a valid, partial result.
 * @throws StepError STEP_BENCH_OPTIONS, STEP_API_ADDRESS; ApiError when the server does not answer a plain request.
 */
export async function runBench(
  options: BenchOptions,
  reporter: Reporter,
  signal: AbortSignal,
  deps: BenchDeps = {},
): Promise<BenchResult> {
  const scenario = resolveScenario(options);
  const address = toAddress(options.baseUrl, options.endpoint);
  const startedAt = new Date().toISOString();
  const budget = openBudget(signal, scenario.maxSeconds);
  const connections = Math.max(...scenario.concurrency) + 1;
  const client = openApiClient({ address, apiKey: options.apiKey, connections });
  const context: RunContext = {
    client,
    options,
    scenario,
    sizer: createPromptSizer(scenario.inputTokens),
    nonce: randomBytes(4).toString('hex'),
    reporter,
    signal: budget.signal,
    fields: new Set(optionalFields),
    refused: [],
    watchLoop: deps.watchLoop ?? watchLoop,
  };
  try {
    const target = describeAddress(address);
    const fingerprint = await takeFingerprint(client, options, target, budget.signal);
    const { warmedUp, levels } = await runStages(context);
    const stopped = budget.stopped();
    const fields = { sent: [...context.fields], refused: context.refused };
    const parts = {
      schema: 'stepctl/bench/1',
      startedAt,
      stopped,
      scenario,
      fingerprint,
      fields,
      levels,
      definitions,
    } as const;
    const result = { ...parts, warmUp: warmedUp };
    return { ...result, verdict: judgeRun(levels, stopped), notes: writeNotes(result) };
  } finally {
    budget.release();
    await client.close();
  }
}

async function runStages(
  context: RunContext,
): Promise<{ warmedUp: BenchResult['warmUp']; levels: LevelResult[] }> {
  const levels: LevelResult[] = [];
  let warmedUp: BenchResult['warmUp'] = { requests: 0, isStable: false, tpotMs: [] };
  try {
    await probeServer(context);
    warmedUp = await warmUp(context);
    let firstIndex = 0;
    for (const [position, concurrency] of context.scenario.concurrency.entries()) {
      if (context.signal.aborted) break;
      levels.push(await runLevel(context, position, concurrency, firstIndex));
      firstIndex += countRequests(context.scenario, concurrency);
    }
  } catch (error) {
    if (!(context.signal.aborted && isApiFailure(error))) throw error;
  }
  return { warmedUp, levels };
}

interface Budget {
  readonly signal: AbortSignal;
  stopped(): BenchResult['stopped'];
  release(): void;
}

/** Joins Ctrl-C and the time budget, and remembers which of them came first. */
function openBudget(signal: AbortSignal, maxSeconds: number): Budget {
  const own = new AbortController();
  let stopped: BenchResult['stopped'] = null;
  const stop = (why: NonNullable<BenchResult['stopped']>): void => {
    stopped ??= why;
    own.abort();
  };
  const onAbort = (): void => stop('interrupted');
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  const timer = maxSeconds > 0 ? setTimeout(() => stop('max-seconds'), maxSeconds * 1000) : null;
  return {
    signal: own.signal,
    stopped: () => stopped,
    release: () => {
      if (timer !== null) clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    },
  };
}
