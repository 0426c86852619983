import { StepError } from '../lib/index.ts';

export type PullPolicy = 'missing' | 'always' | 'never';

export function parsePull(value: unknown): PullPolicy {
  if (value === 'missing' || value === 'always' || value === 'never') return value;
  throw new StepError('STEP_USAGE', {
    verdict: `--pull takes missing, always or never, got "${String(value)}"`,
    next: '--pull missing',
  });
}
