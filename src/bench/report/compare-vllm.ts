import { z } from 'zod';
import { StepError } from '../../lib/index.ts';
import type { BenchResult, LevelResult } from '../types.ts';

/** The part of `vllm bench serve --save-result` that both measure. */
const vllmSchema = z.object({
  model_id: z.string().optional(),
  max_concurrency: z.number().nullish(),
  completed: z.number().optional(),
  total_input_tokens: z.number().optional(),
  total_output_tokens: z.number().optional(),
  request_throughput: z.number(),
  output_throughput: z.number(),
  mean_ttft_ms: z.number(),
  median_ttft_ms: z.number(),
  mean_tpot_ms: z.number(),
  median_tpot_ms: z.number(),
  mean_itl_ms: z.number().optional(),
  median_itl_ms: z.number().optional(),
});

type VllmResult = z.infer<typeof vllmSchema>;

export interface ComparedFigure {
  readonly figure: string;
  readonly unit: 'ms' | 'tok/s' | 'req/s';
  readonly ours: number | null;
  readonly theirs: number | null;
  /** ours / theirs. */
  readonly ratio: number | null;
  readonly isWithin: boolean | null;
  /** Both define it alike; the others are shown, not judged. */
  readonly isShared: boolean;
  /** How the definitions meet, or why they differ. */
  readonly note: string;
}

export interface VllmComparison {
  readonly schema: 'stepctl/bench-vllm/1';
  readonly concurrency: number;
  readonly tolerance: number;
  readonly figures: readonly ComparedFigure[];
  /** Every shared figure that both have is within the tolerance. */
  readonly agrees: boolean;
}

const rows: readonly {
  readonly figure: string;
  readonly unit: ComparedFigure['unit'];
  readonly ours: (level: LevelResult) => number | null;
  readonly theirs: (result: VllmResult) => number | undefined;
  readonly note: string;
  readonly isShared: boolean;
}[] = [
  {
    figure: 'median ttft',
    unit: 'ms',
    ours: (level) => level.ttftVllm.p50,
    theirs: (it) => it.median_ttft_ms,
    note: 'first chunk with choices; theirs starts before the connection',
    isShared: true,
  },
  {
    figure: 'mean ttft',
    unit: 'ms',
    ours: (level) => level.ttftVllm.mean,
    theirs: (it) => it.mean_ttft_ms,
    note: 'first chunk with choices; theirs starts before the connection',
    isShared: true,
  },
  {
    figure: 'median tpot',
    unit: 'ms',
    ours: (level) => level.tpotVllm.p50,
    theirs: (it) => it.median_tpot_ms,
    note: 'both: / (N − 1)',
    isShared: true,
  },
  {
    figure: 'mean tpot',
    unit: 'ms',
    ours: (level) => level.tpotVllm.mean,
    theirs: (it) => it.mean_tpot_ms,
    note: 'both: / (N − 1)',
    isShared: true,
  },
  {
    figure: 'mean itl',
    unit: 'ms',
    ours: (level) => level.itl.mean,
    theirs: (it) => it.mean_itl_ms,
    note: 'ours per token, theirs per chunk',
    isShared: false,
  },
  {
    figure: 'median itl',
    unit: 'ms',
    ours: (level) => level.itl.p50,
    theirs: (it) => it.median_itl_ms,
    note: 'theirs has 0 ms gaps where chunks shared a read',
    isShared: false,
  },
  {
    figure: 'output throughput',
    unit: 'tok/s',
    ours: (level) => level.throughput.outputTokens,
    theirs: (it) => it.output_throughput,
    note: 'both: whole wall time',
    isShared: true,
  },
  {
    figure: 'request throughput',
    unit: 'req/s',
    ours: (level) => level.throughput.requests,
    theirs: (it) => it.request_throughput,
    note: 'both: whole wall time',
    isShared: true,
  },
];

/**
 * Puts a level of ours beside a result of `vllm bench serve --save-result`, figure by figure with the definitions that
 * both share. `tolerance` is a share: 0.05 is 5 %. Give vllm bench serve a fresh `--seed` in every run: with the same one
 * its prompts are in the prefix cache from the run before, and its TTFT halves.
 * @throws StepError STEP_BENCH_RESULT_FOREIGN when the JSON is no such result or no level has its concurrency.
 */
export function compareWithVllmBench(
  result: BenchResult,
  vllmJson: unknown,
  tolerance = 0.05,
): VllmComparison {
  const parsed = vllmSchema.safeParse(vllmJson);
  if (!parsed.success) {
    throw new StepError('STEP_BENCH_RESULT_FOREIGN', {
      verdict: 'this is no result of vllm bench serve',
      reason: z.prettifyError(parsed.error),
      next: 'give the file that vllm bench serve --save-result wrote',
    });
  }
  const level = pickLevel(result, parsed.data);
  const figures = rows.map(({ ours, theirs, ...row }) =>
    compareFigure(row, ours(level), theirs(parsed.data) ?? null, tolerance),
  );
  return {
    schema: 'stepctl/bench-vllm/1',
    concurrency: level.concurrency,
    tolerance,
    figures,
    agrees: figures.every((figure) => !figure.isShared || figure.isWithin !== false),
  };
}

function pickLevel(result: BenchResult, theirs: VllmResult): LevelResult {
  const [only] = result.levels;
  const wanted = theirs.max_concurrency ?? (result.levels.length === 1 ? only?.concurrency : null);
  const level = result.levels.find((each) => each.concurrency === wanted);
  if (level !== undefined) return level;
  throw new StepError('STEP_BENCH_RESULT_FOREIGN', {
    verdict: `no level of this run has concurrency ${wanted ?? 'unlimited'}`,
    reason: `it has ${result.levels.map((each) => each.concurrency).join(', ') || 'none'}`,
    next: 'run vllm bench serve with --max-concurrency N and stepctl bench with the same N',
  });
}

function compareFigure(
  row: Pick<ComparedFigure, 'figure' | 'unit' | 'note' | 'isShared'>,
  ours: number | null,
  theirs: number | null,
  tolerance: number,
): ComparedFigure {
  const ratio = ours === null || theirs === null || theirs === 0 ? null : ours / theirs;
  return { ...row, ours, theirs, ratio, isWithin: ratio === null ? null : Math.abs(ratio - 1) <= tolerance };
}

/** The comparison as a table of at most 100 columns. */
export function renderComparison(comparison: VllmComparison): string {
  const lines = comparison.figures.map(({ figure, unit, ours, theirs, ratio, isWithin, isShared, note }) => {
    const mark = isWithin === null || !isShared ? ' ' : isWithin ? '=' : '!';
    const cells = [ours, theirs].map((value) => (value === null ? '–' : value.toFixed(2)).padStart(10));
    return `${figure.padEnd(18)} ${unit.padEnd(5)}${cells.join('')} ${(ratio?.toFixed(3) ?? '–').padStart(7)} ${mark} ${note}`;
  });
  const head = `${'figure'.padEnd(18)} ${'unit'.padEnd(5)}${'stepctl'.padStart(10)}${'vllm'.padStart(10)} ${'ratio'.padStart(7)}`;
  const title = `concurrency ${comparison.concurrency}, tolerance ${(comparison.tolerance * 100).toFixed(0)} %: ${comparison.agrees ? 'agrees' : 'differs'}`;
  return [title, head, ...lines, ''].join('\n');
}
