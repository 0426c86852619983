import { StepError } from '../../lib/index.ts';
import type { DoctorOptions, DoctorReport } from '../../doctor/index.ts';
import type { Stack } from '../../stack/schema.ts';
import type { Context } from '../context.ts';

/** Doctor's look at this machine for this stack. */
export async function examine(
  context: Context,
  stack: Stack,
  signal: AbortSignal,
  more: Pick<DoctorOptions, 'budgetMs' | 'search'> = {},
): Promise<DoctorReport> {
  const { runDoctor } = await import('../../doctor/index.ts');
  return runDoctor({ stack, env: context.env, signal, ...more });
}

/** A start has time: a driver without persistence mode wakes for seconds. */
const startBudgetMs = 15_000;

/** A start tells in a line what doctor tells in full. */
const brief = (text: string): string =>
  text.length <= 160
    ? text
    : `${text.slice(0, text.lastIndexOf(' ', 140)).replace(/[;,]$/, '')} … (in full: stepctl doctor)`;

/** The stage before all others: what blocks is said before anything is built, fetched or started. */
export async function preflight(context: Context, stack: Stack, signal: AbortSignal): Promise<void> {
  const report = await examine(context, stack, signal, { budgetMs: startBudgetMs });
  const blocking = report.checks.filter((check) => check.status === 'fail');
  for (const check of report.checks)
    if (check.status === 'warn') context.reporter.warn(`${check.title}: ${brief(check.evidence)}`);
  if (blocking.length === 0) {
    context.reporter.stage(
      'preflight',
      `${report.checks.filter((check) => check.status === 'pass').length} checks passed, nothing blocks`,
    );
    return;
  }
  // A busy port alone is "busy" (exit 9), whoever finds it first, doctor or the proxy.
  throw new StepError(
    blocking.every((check) => check.id === 'port') ? 'STEP_PROXY_PORT_BUSY' : 'STEP_DOCTOR_BLOCKED',
    {
      verdict:
        blocking.length === 1
          ? `${blocking[0]?.title ?? ''} blocks the start`
          : `${blocking.length} things block the start`,
      reason: blocking.map((check) => `${check.title}: ${check.evidence}`).join('\n'),
      next: blocking
        .map((check) => check.advice)
        .filter((advice) => advice !== null)
        .join('\n'),
      details: { checks: blocking },
    },
  );
}
