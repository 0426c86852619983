import { StepError } from '../../lib/index.ts';
import type { CommandSpec, Context, Options } from '../context.ts';
import { parseList, parseWhole } from '../numbers.ts';
import { findTarget, targetOptions } from '../target.ts';
import { readVersion } from '../version.ts';

const scenarios = ['quick', 'decode', 'concurrency'] as const;
type Scenario = (typeof scenarios)[number];

export const benchCommand: CommandSpec = {
  name: 'bench',
  summary:
    'measure decode, latencies and throughput of the running stack, with the formulas beside the figures',
  options: [
    {
      flags: '--scenario <name>',
      description: 'quick (about a minute), decode (one stream), concurrency (a table)',
      default: 'quick',
    },
    { flags: '--concurrency <list>', description: 'streams at once, e.g. 1,2,4,8' },
    { flags: '--input-tokens <count>', description: 'prompt length aimed at' },
    { flags: '--output-tokens <count>', description: 'tokens asked of every request' },
    { flags: '--requests <count>', description: 'requests at each level' },
    { flags: '--seed <number>', description: 'same seed, same prompts', default: '1' },
    { flags: '--max-seconds <count>', description: 'cut the run after this long; 0 never', default: '600' },
    { flags: '--output <file>', description: 'also write the whole result as JSON' },
    { flags: '--explain', description: 'print the definitions and end' },
    ...targetOptions,
  ],
  examples: [
    'stepctl bench',
    'stepctl bench --scenario concurrency --concurrency 1,4,16 --output result.json',
    'stepctl bench --explain',
    'stepctl bench --url http://127.0.0.1:8001 --model step3p5-flash',
  ],
  run: async (context, _args, options) => {
    const { explainBench, renderBench, runBench } = await import('../../bench/index.ts');
    if (options['explain'] === true) return context.out.line(explainBench());
    const scenario = parseScenario(options['scenario']);
    const target = await findTarget(context, options);
    const result = await runBench(
      {
        baseUrl: target.url,
        apiKey: target.key,
        model: target.model,
        scenario,
        inputTokens: parseWhole(options['inputTokens'], '--input-tokens'),
        outputTokens: parseWhole(options['outputTokens'], '--output-tokens'),
        concurrency: parseList(options['concurrency'], '--concurrency'),
        requestsPerLevel: parseWhole(options['requests'], '--requests'),
        seed: parseWhole(options['seed'], '--seed') ?? 1,
        maxSeconds: parseWhole(options['maxSeconds'], '--max-seconds') ?? 600,
        stepctlVersion: readVersion(),
      },
      context.reporter,
      context.signal,
    );
    await store(options, result);
    if (context.json) context.out.json(result);
    else context.out.line(renderBench(result));
    return exitCode(context, result.verdict);
  },
};

function parseScenario(value: unknown): Scenario {
  const found = scenarios.find((name) => name === value);
  if (found !== undefined) return found;
  throw new StepError('STEP_USAGE', {
    verdict: `there is no scenario "${String(value)}"`,
    reason: `there are ${scenarios.join(', ')}`,
    next: 'stepctl bench --scenario quick',
  });
}

async function store(options: Options, result: unknown): Promise<void> {
  const file = options['output'] as string | undefined;
  if (file === undefined) return;
  const { writeFileAtomic } = await import('../../lib/index.ts');
  await writeFileAtomic(file, `${JSON.stringify(result, null, 2)}\n`, 0o644);
}

/** 3: nothing was measured; 130: Ctrl-C, the result is partial and valid. */
function exitCode(context: Context, verdict: string): number {
  if (context.signal.aborted) return 130;
  return verdict === 'nothing' ? 3 : 0;
}
