import { wrap } from './wrap.ts';
import type { BenchResult, LevelResult } from '../types.ts';

interface Column {
  readonly head: string;
  readonly unit: string;
  readonly width: number;
  readonly value: (level: LevelResult) => string;
}

const columns: readonly Column[] = [
  { head: 'streams', unit: '', width: 7, value: (level) => String(level.concurrency) },
  { head: 'ok', unit: 'req', width: 6, value: (level) => okOf(level) },
  { head: 'out', unit: 'tok/s', width: 9, value: (level) => rate(level.throughput.outputTokens) },
  { head: 'per user', unit: 'tok/s', width: 8, value: (level) => rate(level.decodePerUser) },
  { head: 'TTFT', unit: 'p50 ms', width: 9, value: (level) => ms(level.ttft.p50) },
  { head: 'TTFT', unit: 'p90 ms', width: 9, value: (level) => ms(level.ttft.p90) },
  { head: 'ITL', unit: 'p50 ms', width: 8, value: (level) => ms(level.itl.p50) },
  { head: 'ITL', unit: 'p90 ms', width: 8, value: (level) => ms(level.itl.p90) },
  { head: 'TPOT', unit: 'p50 ms', width: 8, value: (level) => ms(level.tpot.p50) },
];

/** The result as text for a terminal, at most 80 columns wide but for the names of server and model. */
export function renderBench(result: BenchResult): string {
  return [
    ...renderHead(result),
    '',
    ...renderTable(result.levels),
    '',
    ...result.levels.flatMap(renderDetail),
    '',
    'out = tokens / wall   per user = 1 / TPOT   ITL = gap / tokens of the later read',
    'TTFT = first token on any channel − sent   TPOT = (last − first) / (N − n_first)',
    'N from usage; percentiles by nearest rank; formulas: stepctl bench --explain',
    ...renderErrors(result.levels),
    ...renderNotes(result.notes),
    '',
  ].join('\n');
}

function renderHead(result: BenchResult): string[] {
  const { scenario, fingerprint } = result;
  const engine = fingerprint.engineVersion === null ? '' : ` · vLLM ${fingerprint.engineVersion}`;
  return [
    `bench ${scenario.name}: ${verdictText[result.verdict]}`,
    `${fingerprint.model} at ${fingerprint.target}${engine}`,
    ...wrap(
      `${scenario.inputTokens} tokens in, ${scenario.outputTokens} out · seed ${scenario.seed} · warm-up ${result.warmUp.requests} requests, not counted`,
      80,
    ),
  ];
}

const verdictText: Record<BenchResult['verdict'], string> = {
  measured: 'measured',
  'client-bound': 'CLIENT-BOUND, see the notes before quoting a figure',
  partial: 'PARTIAL, the run was cut short',
  nothing: 'NOTHING MEASURED, no request succeeded',
};

function renderTable(levels: readonly LevelResult[]): string[] {
  return [
    renderRow((column) => column.head),
    renderRow((column) => column.unit),
    ...levels.map((level) => renderRow((column) => column.value(level))),
  ];
}

function renderRow(cell: (column: Column) => string): string {
  return columns
    .map((column) => cell(column).padStart(column.width))
    .join(' ')
    .trimEnd();
}

function renderDetail(level: LevelResult): string[] {
  const { throughput } = level;
  const parts = [
    `e2e p50 ${ms(level.e2e.p50)} ms`,
    level.ttfo.p50 === null ? 'no answer outside the thinking' : `TTFO p50 ${ms(level.ttfo.p50)} ms`,
    `total ${rate(throughput.totalTokens)} tok/s`,
    throughput.steadyOutputTokens === null ? null : `steady ${rate(throughput.steadyOutputTokens)} tok/s`,
    `in ${level.inputLength.p50 ?? '–'}`,
  ];
  const text = parts.filter((part) => part !== null).join(' · ');
  return wrap(text, 72).map(
    (line, at) => `${(at === 0 ? String(level.concurrency) : '').padStart(7)} ${line}`,
  );
}

function renderErrors(levels: readonly LevelResult[]): string[] {
  const lines = levels.flatMap((level) =>
    level.errors.map(({ count, kind, status, message }) => {
      return `  ${count}× at concurrency ${level.concurrency}: ${kind}${status === null ? '' : ` ${status}`}: ${message.slice(0, 200)}`;
    }),
  );
  return lines.length === 0 ? [] : ['', 'errors', ...lines];
}

function renderNotes(notes: readonly string[]): string[] {
  return notes.length === 0
    ? []
    : [
        '',
        'notes',
        ...notes.flatMap((note) => wrap(note, 76).map((line, at) => `${at === 0 ? '  ' : '    '}${line}`)),
      ];
}

function okOf(level: LevelResult): string {
  return level.requests.ok === level.requests.sent
    ? String(level.requests.ok)
    : `${level.requests.ok}/${level.requests.sent}`;
}

function rate(value: number | null): string {
  return value === null ? '–' : value.toFixed(value < 100 ? 1 : 0);
}

function ms(value: number | null): string {
  return value === null ? '–' : value.toFixed(value < 10 ? 2 : value < 1000 ? 1 : 0);
}
