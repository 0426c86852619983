/**
 * How far bench is from the truth: a mock engine in a process of its own notes when it wrote each token, bench measures
 * it from outside. Prints figure, truth, ratio and what bench says of itself, for 1 to 256 streams.
 * The truth of TTFT begins when the mock has read the request: what a burst of requests waits in front of it is in the
 * figure of bench alone.
 * Run: node bench/accuracy.ts [streams,streams,…]
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type LevelResult, runBench } from '../src/bench/index.ts';
import { silentReporter } from '../src/lib/index.ts';
import type { MockProgram, MockTruth } from '../test/fixtures/mock-engine/index.ts';

const program: Partial<MockProgram> = { ttftMs: 100, itlMs: 20, roleDelayMs: 50 };
const outputTokens = 64;
const streams = (process.argv[2] ?? '1,8,32,64,128,256').split(',').map(Number);

interface Row {
  readonly streams: number;
  readonly figure: string;
  readonly measured: number;
  readonly truth: number;
  readonly says: string;
}

const rows: Row[] = [];
for (const count of streams) rows.push(...(await measure(count)));
process.stdout.write(`${render(rows)}\n`);

async function measure(count: number): Promise<Row[]> {
  const child = fork(new URL('../test/fixtures/mock-engine/main.ts', import.meta.url), [
    JSON.stringify(program),
  ]);
  try {
    const [{ url }] = (await once(child, 'message')) as [{ url: string }];
    const requests = Math.max(8, 2 * count);
    const result = await runBench(
      {
        baseUrl: url,
        apiKey: null,
        model: 'mock',
        scenario: 'decode',
        concurrency: [count],
        requestsPerLevel: requests,
        inputTokens: 64,
        outputTokens,
        seed: 1,
        maxSeconds: 120,
      },
      silentReporter,
      new AbortController().signal,
    );
    const [level] = result.levels;
    if (level === undefined) throw new Error('bench measured no level');
    // Probe and warm-up came first: the level's own requests are the last ones.
    const truths = (await askTruths(child)).slice(-requests);
    return compare(count, level, truths, result.verdict);
  } finally {
    child.disconnect();
  }
}

async function askTruths(child: ChildProcess): Promise<MockTruth[]> {
  const answer = once(child, 'message') as Promise<[{ truths: MockTruth[] }]>;
  child.send('truths');
  const [{ truths }] = await answer;
  return truths;
}

function compare(count: number, level: LevelResult, truths: readonly MockTruth[], verdict: string): Row[] {
  const { loopUtilisation, loopDelayP99Ms } = level.client;
  const says = `${verdict}, loop ${(loopUtilisation * 100).toFixed(0)} % busy, delay p99 ${loopDelayP99Ms.toFixed(1)} ms`;
  const ttft = truths.map(({ receivedAt, writes }) => (writes[0]?.at ?? Number.NaN) - receivedAt);
  const gaps = truths.flatMap(({ writes }) =>
    writes.slice(1).map((write, index) => write.at - (writes[index]?.at ?? 0)),
  );
  const tpot = truths.map(
    ({ writes }) => ((writes.at(-1)?.at ?? 0) - (writes[0]?.at ?? 0)) / (writes.length - 1),
  );
  const tokens = truths.reduce((sum, truth) => sum + truth.completionTokens, 0);
  const row = (figure: string, measured: number | null, truth: number): Row => ({
    streams: count,
    figure,
    measured: measured ?? Number.NaN,
    truth,
    says,
  });
  return [
    row('ttft p50 ms', level.ttft.p50, median(ttft)),
    row('itl p50 ms', level.itl.p50, median(gaps)),
    row('itl p90 ms', level.itl.p90, quantile(gaps, 0.9)),
    row('tpot p50 ms', level.tpot.p50, median(tpot)),
    row('tokens', level.outputTokens, tokens),
  ];
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

function render(all: readonly Row[]): string {
  const head = `${'streams'.padStart(7)}  ${'figure'.padEnd(12)} ${'bench'.padStart(9)} ${'truth'.padStart(9)} ${'ratio'.padStart(6)}  within 2 % or 1 ms`;
  const lines = all.map(({ streams: count, figure, measured, truth, says }) => {
    const isClose = Math.abs(measured / truth - 1) <= 0.02 || Math.abs(measured - truth) <= 1;
    const cells = `${measured.toFixed(2).padStart(9)} ${truth.toFixed(2).padStart(9)} ${(measured / truth).toFixed(3).padStart(6)}`;
    return `${String(count).padStart(7)}  ${figure.padEnd(12)} ${cells}  ${isClose ? 'yes' : `NO (${says})`}`;
  });
  return [head, ...lines].join('\n');
}
