import { summarise, summariseWeighted } from '../statistics/distribution.ts';
import { findPeakRate, findSteadyWindow, rateInWindow } from '../statistics/windows.ts';
import type { ErrorCount, LevelResult, LoopLoad, RequestRecord } from '../types.ts';
import { judgeClient } from './client-bound.ts';
import { collectItl } from './itl.ts';

export interface LevelFacts {
  readonly concurrency: number;
  readonly askedOutputTokens: number;
  readonly records: readonly RequestRecord[];
  readonly client: LoopLoad;
  readonly serverOutputTokens: number | null;
  readonly hitRate: number | null;
}

/** Sums up the records of one level. Pure. */
export function summariseLevel(facts: LevelFacts): LevelResult {
  const { records } = facts;
  const ok = records.filter((record) => record.status === 'ok');
  const of = (pick: (record: RequestRecord) => number | null): ReturnType<typeof summarise> =>
    summarise(ok.map(pick));
  const tpot = of((record) => record.tpot);
  const outputTokens = sum(ok.map((record) => record.outputTokens ?? 0));
  const groups = ok.flatMap((record) => record.groups);
  const cached = ok.map((record) => record.cachedTokens);
  const events = sum(ok.map((record) => record.events));
  return {
    concurrency: facts.concurrency,
    requests: {
      sent: records.length,
      ok: ok.length,
      failed: records.filter((record) => record.status === 'error').length,
      cut: records.filter((record) => record.status === 'cut').length,
    },
    wallMs: findWallMs(records),
    outputTokens,
    promptTokens: sum(ok.map((record) => record.promptTokens ?? 0)),
    throughput: summariseThroughput(facts, ok),
    decodePerUser: tpot.p50 === null || tpot.p50 === 0 ? null : 1000 / tpot.p50,
    ttfr: of((record) => record.ttfr),
    ttft: of((record) => record.ttft),
    ttfo: of((record) => record.ttfo),
    itl: summariseWeighted(collectItl(ok)),
    tpot,
    e2e: of((record) => record.e2e),
    e2eDone: of((record) => record.e2eDone),
    ttftVllm: of((record) => record.ttftVllm),
    tpotVllm: of((record) => record.tpotVllm),
    itlSource: sourceOf(ok),
    outputLength: {
      asked: facts.askedOutputTokens,
      met: ok.filter((record) => record.outputTokens === facts.askedOutputTokens).length,
      distribution: of((record) => record.outputTokens),
    },
    inputLength: of((record) => record.promptTokens),
    sharedReadShare: events === 0 ? null : sum(ok.map((record) => record.eventsInSharedReads)) / events,
    tokensPerGroup: groups.length === 0 ? null : sum(groups.map((group) => group.tokens)) / groups.length,
    cache: {
      cachedTokens: cached.every((each) => each === null) ? null : sum(cached.map((each) => each ?? 0)),
      hitRate: facts.hitRate,
    },
    serverOutputTokens: facts.serverOutputTokens,
    client: judgeClient(facts.client, tpot.p50),
    errors: countErrors(records),
  };
}

function summariseThroughput(facts: LevelFacts, ok: readonly RequestRecord[]): LevelResult['throughput'] {
  const wallMs = findWallMs(facts.records);
  const perSecond = (amount: number): number | null =>
    wallMs > 0 && outputTokens > 0 ? (amount * 1000) / wallMs : null;
  // What a cut request had said by then was generated in this time as well.
  const cut = facts.records.filter((record) => record.status === 'cut');
  const cutTokens = sum(cut.flatMap((record) => record.groups.map((group) => group.tokens)));
  const outputTokens = sum(ok.map((record) => record.outputTokens ?? 0)) + cutTokens;
  const promptTokens = sum(ok.map((record) => record.promptTokens ?? 0));
  const groups = [...ok, ...cut].flatMap((record) => record.groups);
  const steady = findSteadyWindow(facts.records, facts.concurrency);
  return {
    outputTokens: perSecond(outputTokens),
    totalTokens: perSecond(outputTokens + promptTokens),
    requests: perSecond(ok.length),
    steadyOutputTokens: steady === null ? null : rateInWindow(groups, steady),
    steadyMs: steady === null ? null : steady.toMs - steady.fromMs,
    peakOutputTokens: findPeakRate(groups, 1000),
  };
}

/** From the first request sent to the last end, failures included: they took the server's time too. */
function findWallMs(records: readonly RequestRecord[]): number {
  let from = Infinity;
  let to = -Infinity;
  for (const { sentAt, endedAt } of records) {
    if (sentAt === null) continue;
    from = Math.min(from, sentAt);
    to = Math.max(to, endedAt);
  }
  return to > from ? to - from : 0;
}

function sourceOf(ok: readonly RequestRecord[]): LevelResult['itlSource'] {
  const sources = new Set(ok.map((record) => record.tokenSource));
  if (sources.size > 1) return 'mixed';
  return sources.has('continuous_usage') ? 'continuous_usage' : 'chunk';
}

/** Groups equal failures; the request id kept is the first one's. */
export function countErrors(records: readonly RequestRecord[]): ErrorCount[] {
  const counts = new Map<string, ErrorCount>();
  for (const { error } of records) {
    if (error === null) continue;
    const key = `${error.kind} ${error.status} ${error.message}`;
    const known = counts.get(key);
    counts.set(key, { ...(known ?? error), count: (known?.count ?? 0) + 1 });
  }
  return [...counts.values()].toSorted((a, b) => b.count - a.count);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
