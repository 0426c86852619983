import { connectionErrorCode, type Endpoint, requestEngine, type Running } from '../engine/index.ts';
import { StepError } from '../lib/index.ts';
import type { Diagnosis } from '../vllm/types.ts';
import type { SupervisorOptions } from './options.ts';
import { probeReadiness } from './readiness/probe.ts';
import type { ReadinessFailed } from './readiness/types.ts';

/** An engine that listens but fails this many generations in a row will not come right. */
const maxGenerationFailures = 5;

const asDiagnosis = (failed: ReadinessFailed): Diagnosis => ({
  signature: failed.signature,
  cause: failed.reason,
  evidence: [failed.reason],
  advice: failed.advice,
  deterministic: !failed.retry,
});

/** Probes until the engine is ready (null) or refused (why). Rejects when the signal aborts. */
export async function awaitReadiness(
  options: SupervisorOptions,
  running: Running,
  signal: AbortSignal,
  onGenerating: () => void,
): Promise<Diagnosis | null> {
  const { policy, readiness, servedName, clock } = options;
  let generationFailures = 0;
  for (;;) {
    const result = await probeReadiness({
      ...readiness,
      endpoint: running.endpoint,
      listener: running.listener,
      servedName,
      lookTimeoutMs: policy.healthTimeoutMs,
      answerTimeoutMs: policy.probeTimeoutMs,
      signal,
      onGenerating,
    });
    if (result.ok) return awaitProof(options, signal);
    if (result.signature === 'generation-failed' || result.signature === 'probe-failed')
      generationFailures += 1;
    if (!result.retry || generationFailures >= maxGenerationFailures) return asDiagnosis(result);
    await clock.sleep(policy.probeIntervalMs, signal);
  }
}

/** The engine can serve; now its processes must have said that they are what was built. */
async function awaitProof(
  { proof, policy, clock }: SupervisorOptions,
  signal: AbortSignal,
): Promise<Diagnosis | null> {
  if (proof === undefined) return null;
  const until = clock.monotonicMs() + policy.proofGraceMs;
  for (;;) {
    const verdict = proof.verdict(clock.monotonicMs() >= until);
    if (verdict === 'proven') return null;
    if (verdict !== 'pending') return verdict;
    await clock.sleep(policy.probeIntervalMs, signal);
  }
}

/** One look at /health. A hint only: it tells a dead core, never a hung one. */
export type HealthLook =
  | { readonly kind: 'healthy' }
  | { readonly kind: 'unhealthy'; readonly why: string }
  | { readonly kind: 'silent' };

export async function lookAtHealth(
  endpoint: Endpoint,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<HealthLook> {
  try {
    const { status } = await requestEngine(endpoint, { path: '/health', timeoutMs, signal });
    return status === 200 ? { kind: 'healthy' } : { kind: 'unhealthy', why: `/health answers ${status}` };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    // No answer in time is what saturation looks like too; a refused connection is not.
    if (error instanceof StepError && error.code === 'STEP_ENGINE_TIMEOUT') return { kind: 'silent' };
    return {
      kind: 'unhealthy',
      why: `/health cannot be reached: ${connectionErrorCode(error) ?? String(error)}`,
    };
  }
}
