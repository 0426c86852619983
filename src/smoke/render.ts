import type { CheckResult, CheckStatus, SmokeResult } from './types.ts';

const marks: Record<CheckStatus, string> = { pass: 'pass', fail: 'FAIL', skipped: 'skip' };

/** The result as text for a terminal: one line a check, reason and evidence under each failure. */
export function renderSmoke(result: SmokeResult): string {
  const { counts } = result;
  const width = Math.max(...result.checks.map((check) => check.id.length), 0);
  const verdict = result.isInterrupted ? `${result.verdict}, interrupted` : result.verdict;
  return [
    `smoke: ${verdict} (${counts.pass} passed, ${counts.fail} failed, ${counts.skipped} skipped) in ${(result.ms / 1000).toFixed(1)} s`,
    `${result.model} at ${result.target}`,
    '',
    ...result.checks.flatMap((check) => renderCheck(check, width)),
    '',
  ].join('\n');
}

function renderCheck(check: CheckResult, width: number): string[] {
  const ms = check.status === 'skipped' ? '' : `${Math.round(check.ms)} ms`;
  const text = check.status === 'skipped' ? `skipped: ${check.reason ?? ''}` : check.proves;
  const line = `  ${marks[check.status]}  ${check.id.padEnd(width)}  ${ms.padStart(8)}  ${text}`;
  if (check.status !== 'fail') return [line];
  const indent = ' '.repeat(width + 18);
  return [line, `${indent}${check.reason ?? ''}`, ...check.evidence.map((each) => `${indent}${each}`)];
}
