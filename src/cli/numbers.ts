import { StepError } from '../lib/index.ts';

/** A whole number ≥ 0 from an option's text; null when it was not given. */
export function parseWhole(value: unknown, flag: string): number | null {
  if (value === undefined) return null;
  const parsed = Number(value);
  if (Number.isSafeInteger(parsed) && parsed >= 0 && String(value).trim() !== '') return parsed;
  throw new StepError('STEP_USAGE', {
    verdict: `${flag} takes a whole number, got "${String(value)}"`,
    next: `${flag} 16`,
  });
}

/** `1,2,4` as numbers ≥ 1. */
export function parseList(value: unknown, flag: string): number[] | null {
  if (value === undefined) return null;
  const parsed = String(value).split(',').map(Number);
  if (parsed.every((one) => Number.isSafeInteger(one) && one >= 1)) return parsed;
  throw new StepError('STEP_USAGE', {
    verdict: `${flag} takes numbers with commas, got "${String(value)}"`,
    next: `${flag} 1,2,4,8`,
  });
}
