import { resolve } from 'node:path';
import { StepError } from '../../lib/index.ts';
import type { FitReport } from '../../model/index.ts';
import type { CommandSpec } from '../context.ts';
import { parseList, parseWhole } from '../numbers.ts';
import { renderTable } from '../table.ts';

const usage = (flag: string, value: unknown, expected: string): StepError =>
  new StepError('STEP_USAGE', {
    verdict: `${flag} takes ${expected}, got "${String(value)}"`,
    next: 'stepctl model fit --help',
  });

function parseShare(value: unknown): number {
  const share = Number(value);
  if (!(share > 0 && share <= 1)) throw usage('--utilisation', value, 'a share above 0 and up to 1');
  return share;
}

function parseKv(value: unknown): 'bf16' | 'fp8' {
  if (value === 'bf16' || value === 'fp8') return value;
  throw usage('--kv', value, 'bf16 or fp8');
}

const gib = (bytes: number): string => (bytes / 1024 ** 3).toFixed(1);

/** The report as text that fits the terminal. Pure. */
export function renderFit(report: FitReport, width: number): string {
  const { layers, context } = report;
  const rows = report.rows.map(({ gpus, weightsBytes, kvBytes, capacity, fits }) => [
    String(gpus),
    gib(weightsBytes),
    fits ? gib(kvBytes) : 'none',
    capacity === null ? 'does not fit' : String(capacity.longestContext),
    capacity === null ? '' : `${capacity.concurrency.toFixed(2)}x`,
    capacity === null ? '' : String(capacity.tokens),
  ]);
  const whys = report.rows.flatMap(({ gpus, why }) =>
    why === null ? [] : [`${gpus} GPU does not do: ${why}`],
  );
  return [
    `${report.card}, ${gib(report.cardBytes)} GiB each, utilisation ${report.utilisation}, KV cache in ${report.kv}`,
    `${layers.full} layers of full attention, ${layers.sliding} that look back ${layers.window} tokens`,
    '',
    renderTable(
      ['GPUs', 'weights GiB', 'KV GiB', 'longest', `of ${context} at once`, 'KV tokens'],
      rows,
      width,
    ),
    ...(whys.length === 0 ? [] : ['', ...whys]),
  ].join('\n');
}

export const modelFitCommand: CommandSpec = {
  name: 'model fit',
  summary: 'say what fits: weights and KV cache per GPU, longest context, requests at once; reads no weights',
  args: [{ name: '<dir>', description: 'model folder, or a snapshot of the cache' }],
  options: [
    { flags: '--card <name>', description: 'GPU', default: 'rtx-pro-6000' },
    { flags: '--gpus <list>', description: 'numbers of GPUs to compare', default: '1,2,4' },
    { flags: '--utilisation <share>', description: 'share of GPU memory for the engine', default: '0.92' },
    { flags: '--kv <type>', description: 'type of the KV cache: bf16 or fp8', default: 'bf16' },
    { flags: '--context <tokens>', description: "length of a request; default the model's limit" },
  ],
  examples: [
    'stepctl model fit ./Step-3.5-Flash-NVFP4',
    'stepctl model fit ./model --card h200 --gpus 1,2 --kv fp8 --context 65536 --json',
  ],
  run: async (context, args, options) => {
    const { fitModel } = await import('../../model/index.ts');
    const report = await fitModel(resolve(context.cwd, args[0] ?? ''), {
      card: String(options['card']),
      gpus: parseList(options['gpus'], '--gpus') ?? [1, 2, 4],
      utilisation: parseShare(options['utilisation']),
      kv: parseKv(options['kv']),
      context: parseWhole(options['context'], '--context'),
    });
    if (context.json) context.out.json(report);
    else context.out.line(renderFit(report, context.out.width));
  },
};
