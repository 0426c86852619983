import { StepError } from '../../lib/index.ts';
import type { BenchOptions, BenchResult, ScenarioName } from '../types.ts';

export type Scenario = BenchResult['scenario'];

interface Shape {
  readonly concurrency: readonly number[];
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly requestsPerLevel: number;
}

const shapes: Record<ScenarioName, Shape> = {
  quick: { concurrency: [1, 4], inputTokens: 128, outputTokens: 64, requestsPerLevel: 8 },
  decode: { concurrency: [1], inputTokens: 128, outputTokens: 256, requestsPerLevel: 8 },
  concurrency: {
    concurrency: [1, 2, 4, 8, 16, 32, 64],
    inputTokens: 256,
    outputTokens: 128,
    requestsPerLevel: 16,
  },
};

/** The levels of a run: the scenario's shape with the caller's changes. Throws STEP_BENCH_OPTIONS for a senseless value. */
export function resolveScenario(options: BenchOptions): Scenario {
  const shape = shapes[options.scenario];
  return {
    name: options.scenario,
    concurrency: (options.concurrency ?? shape.concurrency).map((each) => checkCount('concurrency', each)),
    inputTokens: checkCount('inputTokens', options.inputTokens ?? shape.inputTokens),
    outputTokens: checkCount('outputTokens', options.outputTokens ?? shape.outputTokens),
    requestsPerLevel: checkCount('requestsPerLevel', options.requestsPerLevel ?? shape.requestsPerLevel),
    seed: options.seed,
    maxSeconds: options.maxSeconds,
  };
}

/** Requests of one level: at least two rounds are worth measuring, at least one is sent. */
export function countRequests(scenario: Scenario, concurrency: number): number {
  return Math.max(scenario.requestsPerLevel, concurrency);
}

function checkCount(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 1) return value;
  throw new StepError('STEP_BENCH_OPTIONS', {
    verdict: `${name} is ${value}`,
    reason: 'it must be a whole number from 1',
    next: 'stepctl bench --help',
  });
}
