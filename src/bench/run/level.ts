import { runClosedLoop } from '../load/closed-loop.ts';
import { diffCounters, readServerCounters } from '../load/server-counters.ts';
import { summariseLevel } from '../measure/level.ts';
import type { LevelResult } from '../types.ts';
import { countRequests } from '../workload/scenarios.ts';
import { type RunContext, sendOne } from './context.ts';
import { warmRound } from './warm-up.ts';

/** Measures one concurrency. `firstIndex` numbers its prompts, so that no level repeats another's. */
export async function runLevel(
  context: RunContext,
  level: number,
  concurrency: number,
  firstIndex: number,
): Promise<LevelResult> {
  const { scenario, reporter, options } = context;
  const requests = countRequests(scenario, concurrency);
  const stage = `concurrency ${concurrency}`;
  await warmRound(context, level, concurrency);
  reporter.stage(stage, `${requests} requests of ${scenario.outputTokens} tokens`);
  const before = await readServerCounters(options.readMetrics);
  const watch = context.watchLoop();
  const startedAt = performance.now();
  const records = await runClosedLoop({
    concurrency,
    requests,
    signal: context.signal,
    send: async (index) => {
      const { record } = await sendOne(context, {
        index: firstIndex + index,
        outputTokens: scenario.outputTokens,
        chars: null,
      });
      return record;
    },
    onRecord: (_record, finished) => {
      const perSecond = (finished * 1000) / Math.max(1, performance.now() - startedAt);
      const etaMs = ((requests - finished) * 1000) / perSecond;
      reporter.progress({ stage, done: finished, total: requests, unit: 'items', rate: perSecond, etaMs });
    },
  });
  const client = watch.stop();
  const counters = diffCounters(before, await readServerCounters(options.readMetrics));
  return summariseLevel({
    concurrency,
    askedOutputTokens: scenario.outputTokens,
    records,
    client,
    serverOutputTokens: counters.generationTokens,
    hitRate: counters.hitRate,
  });
}
