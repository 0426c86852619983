import type { CheckResult } from './types.ts';

export type Outcome = Pick<CheckResult, 'status' | 'reason' | 'evidence'>;

export function pass(...evidence: string[]): Outcome {
  return { status: 'pass', reason: null, evidence };
}

export function fail(reason: string, ...evidence: string[]): Outcome {
  return { status: 'fail', reason, evidence };
}

export function skip(reason: string): Outcome {
  return { status: 'skipped', reason, evidence: [] };
}

const quoteLimit = 160;

/** A piece of an answer for the evidence: quoted, on one line, cut. */
export function quote(text: string): string {
  return JSON.stringify(text.length > quoteLimit ? `${text.slice(0, quoteLimit)}…` : text);
}
