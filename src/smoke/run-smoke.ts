import { type Clock, type Reporter, systemClock } from '../lib/index.ts';
import {
  ApiError,
  describeAddress,
  isApiFailure,
  openApiClient,
  toAddress,
} from '../lib/openai-client/index.ts';
import { chatChecks } from './checks/chat.ts';
import { doorChecks } from './checks/door.ts';
import { streamChecks } from './checks/streams.ts';
import { toolChecks } from './checks/tools.ts';
import { truthChecks } from './checks/truth.ts';
import type { Check, SmokeContext } from './context.ts';
import { fail, type Outcome, skip } from './outcome.ts';
import type { CheckResult, SmokeOptions, SmokeResult } from './types.ts';

/** In this order: what the later ones stand on comes first. */
export const allChecks: readonly Check[] = [
  ...doorChecks,
  ...chatChecks,
  ...toolChecks,
  ...truthChecks,
  ...streamChecks,
];

/**
 * Runs every check against a running stack, one after the other. A failed check is part of the result, never thrown;
 * after an abort of `signal` the rest is skipped and the verdict is at best inconclusive.
 * @throws StepError STEP_API_ADDRESS when there is no address.
 */
export async function runSmoke(
  options: SmokeOptions,
  reporter: Reporter,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<SmokeResult> {
  const address = toAddress(options.baseUrl, options.endpoint);
  const client = openApiClient({ address, apiKey: options.apiKey, connections: 4 });
  const isFrontDoor = options.isFrontDoor ?? (options.endpoint ?? null) === null;
  const context: SmokeContext = { client, options: { ...options, isFrontDoor }, signal, clock };
  const startedAt = new Date(clock.now()).toISOString();
  const from = clock.monotonicMs();
  const checks: CheckResult[] = [];
  try {
    let obstacle: string | null = null;
    for (const check of allChecks) {
      if (signal.aborted) obstacle = 'interrupted';
      const { result, isUnreachable } = await runCheck(context, check, obstacle);
      if (isUnreachable) obstacle = 'nothing answers at the address';
      checks.push(result);
      reporter.stage(
        'smoke',
        `${result.id}: ${result.status}${result.reason === null ? '' : `, ${result.reason}`}`,
      );
    }
  } finally {
    await client.close();
  }
  const counts = countChecks(checks);
  return {
    schema: 'stepctl/smoke/1',
    startedAt,
    target: describeAddress(address),
    model: options.model,
    verdict: judge(counts, signal.aborted),
    isInterrupted: signal.aborted,
    counts,
    ms: clock.monotonicMs() - from,
    checks,
  };
}

async function runCheck(
  context: SmokeContext,
  check: Check,
  obstacle: string | null,
): Promise<{ result: CheckResult; isUnreachable: boolean }> {
  const from = context.clock.monotonicMs();
  let outcome: Outcome;
  let isUnreachable = false;
  if (obstacle === null) {
    try {
      outcome = await check.run(context);
    } catch (error) {
      isUnreachable = isApiFailure(error, 'unreachable');
      outcome = context.signal.aborted ? skip('interrupted') : failOf(error);
    }
  } else outcome = skip(obstacle);
  return {
    result: { id: check.id, proves: check.proves, ...outcome, ms: context.clock.monotonicMs() - from },
    isUnreachable,
  };
}

/** A check must tell of itself whatever happens in it: one that throws has failed, and the others still run. */
function failOf(error: unknown): Outcome {
  if (error instanceof ApiError) return fail(error.verdict, error.failure.message);
  return fail(error instanceof Error ? error.message : String(error));
}

function countChecks(checks: readonly CheckResult[]): SmokeResult['counts'] {
  const of = (status: CheckResult['status']): number =>
    checks.filter((check) => check.status === status).length;
  return { pass: of('pass'), fail: of('fail'), skipped: of('skipped') };
}

function judge(counts: SmokeResult['counts'], isInterrupted: boolean): SmokeResult['verdict'] {
  if (counts.fail > 0) return 'fail';
  return isInterrupted || counts.pass === 0 ? 'inconclusive' : 'pass';
}
