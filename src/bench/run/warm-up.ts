import type { BenchResult, RequestRecord } from '../types.ts';
import { type RunContext, sendOne, warmUpBase } from './context.ts';

const maxRequests = 6;
/** Two successive requests this close mean that compiling, graph capture and autotuning are over. */
const agreement = 0.1;
/** Tokens of the round that opens a level's connections and shows the engine its batch size. */
const roundOutputTokens = 8;

/** Sends requests nobody counts, each with a prompt of its own, until two in a row agree or `maxRequests` were sent. */
export async function warmUp(context: RunContext): Promise<BenchResult['warmUp']> {
  const tpotMs: (number | null)[] = [];
  let before: number | null = null;
  let isStable = false;
  while (tpotMs.length < maxRequests && !isStable && !context.signal.aborted) {
    context.reporter.stage('warm-up', `request ${tpotMs.length + 1} of at most ${maxRequests}, not counted`);
    const index = warmUpBase + 1000 + tpotMs.length;
    const { record, chars } = await sendOne(context, {
      index,
      outputTokens: context.scenario.outputTokens,
      chars: null,
    });
    if (record.promptTokens !== null) context.sizer.observe(chars, record.promptTokens);
    const pace = paceOf(record);
    isStable = pace !== null && before !== null && isClose(before, pace);
    before = pace;
    tpotMs.push(record.tpot);
  }
  return { requests: tpotMs.length, isStable, tpotMs };
}

/** One short round at a level's concurrency: opens its connections, and the engine meets the batch size before it is measured. */
export async function warmRound(context: RunContext, level: number, concurrency: number): Promise<void> {
  const outputTokens = Math.min(roundOutputTokens, context.scenario.outputTokens);
  const base = warmUpBase * (level + 2);
  await Promise.all(
    Array.from({ length: concurrency }, (_, slot) =>
      sendOne(context, { index: base + slot, outputTokens, chars: null }),
    ),
  );
}

/** True when the two differ by no more than the agreement, measured at the larger one. */
export function isClose(before: number, after: number): boolean {
  return Math.abs(before - after) <= agreement * Math.max(before, after);
}

function paceOf(record: RequestRecord): number | null {
  return record.status === 'ok' ? (record.tpot ?? record.e2e) : null;
}
