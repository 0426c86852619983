import { z } from 'zod';
import {
  connectionErrorCode,
  type Endpoint,
  type ListenerOwner,
  parseAnswer,
  requestEngine,
} from '../../engine/index.ts';
import { type Script, StepError } from '../../lib/index.ts';
import { askEngine, isRefusal, type Refusal } from './ask.ts';
import { judgeOrdinary, judgeScripted } from './judge.ts';
import type { ReadinessFailed, ReadinessOptions, ReadinessResult } from './types.ts';

export interface ProbeInput extends ReadinessOptions {
  readonly endpoint: Endpoint;
  readonly servedName: string;
  /** Who listens at the endpoint; absent where it is private by construction. */
  readonly listener?: (() => Promise<ListenerOwner>) | undefined;
  /** For the health and model looks. */
  readonly lookTimeoutMs: number;
  /** For the generated answer. */
  readonly answerTimeoutMs: number;
  readonly signal: AbortSignal;
  /** Called when the engine listens and the generation begins. */
  readonly onGenerating?: () => void;
}

const modelsSchema = z.looseObject({ data: z.array(z.looseObject({ id: z.string() })) });

const notYet = (signature: string, reason: string): ReadinessFailed => ({
  ok: false,
  retry: true,
  signature,
  reason,
  advice: 'wait',
});
const never = (signature: string, reason: string, advice: string): ReadinessFailed => ({
  ok: false,
  retry: false,
  signature,
  reason,
  advice,
});

async function lookAtHealth(input: ProbeInput): Promise<ReadinessFailed | null> {
  const { endpoint, lookTimeoutMs: timeoutMs, signal } = input;
  try {
    const { status } = await requestEngine(endpoint, { path: '/health', timeoutMs, signal });
    return status === 200 ? null : notYet('unhealthy', `/health answers ${status}`);
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    return notYet('not-listening', connectionErrorCode(error) ?? error.verdict);
  }
}

/** vLLM binds late: until then, and for ever if it fails to bind, a stranger may answer on the port. */
async function lookAtListener(input: ProbeInput): Promise<ReadinessFailed | null> {
  if ((await input.listener?.()) !== 'stranger') return null;
  return never(
    'port-in-use',
    'another process listens on the port meant for the engine and answers in its place',
    'stop that process, or let the driver use a unix socket',
  );
}

async function lookAtModels(input: ProbeInput): Promise<ReadinessFailed | null> {
  const { endpoint, servedName, lookTimeoutMs: timeoutMs, signal } = input;
  const answer = await requestEngine(endpoint, { path: '/v1/models', timeoutMs, signal });
  if (answer.status !== 200) return notYet('models-refused', `/v1/models answers ${answer.status}`);
  const parsed = modelsSchema.safeParse(parseAnswer(answer, '/v1/models'));
  const ids = parsed.success ? parsed.data.data.map((model) => model.id) : [];
  if (ids.includes(servedName)) return null;
  return never(
    'wrong-model',
    `the engine serves ${ids.length === 0 ? 'no model' : ids.join(', ')}, not ${servedName}`,
    'check serve.name, and serve.extraArgs for a --served-model-name of its own',
  );
}

function judgeRefusal({ status, message }: Refusal): ReadinessFailed {
  const text = message.slice(0, 300);
  // JSON has no NaN: vLLM fails to write the logprobs of a broken load.
  if (/not JSON compliant/i.test(text)) {
    return never(
      'degenerate-answer',
      `the probabilities of its tokens are not numbers (${text})`,
      'stepctl patch verify',
    );
  }
  if (status >= 400 && status < 500) {
    return never(
      'probe-refused',
      `the engine refuses the readiness request with ${status}: ${text}`,
      'stepctl logs engine',
    );
  }
  // Its core may be dying: the exit that follows has the cause in the log.
  return notYet('generation-failed', `the readiness request failed with ${status}: ${text}`);
}

async function generate(input: ProbeInput): Promise<ReadinessResult> {
  const script: Script | null = input.expect?.scripts.find(({ name }) => name === 'chat') ?? null;
  const startedAt = performance.now();
  const { endpoint, servedName, answerTimeoutMs: timeoutMs, signal } = input;
  const outcome = await askEngine({ endpoint, servedName, script, timeoutMs, signal });
  if (isRefusal(outcome)) return judgeRefusal(outcome);
  const refused = script === null ? judgeOrdinary(outcome, input) : judgeScripted(outcome, script, input);
  if (refused !== null) return refused;
  const text = `${outcome.reasoning} ${outcome.content}`.trim().slice(0, 200);
  return { ok: true, text, answerMs: performance.now() - startedAt };
}

/**
 * Looks once whether the engine can serve: it listens and is ours, is healthy, lists the served name, and generates an
 * answer that is right where the truth is known and no garbage elsewhere. "Up" proves nothing: vLLM 0.16.0 without the
 * patch loads an NVFP4 checkpoint without a word and answers `!!!!`.
 * Rejects only with the signal's reason.
 */
export async function probeReadiness(input: ProbeInput): Promise<ReadinessResult> {
  try {
    const early = (await lookAtHealth(input)) ?? (await lookAtListener(input)) ?? (await lookAtModels(input));
    if (early !== null) return early;
    input.onGenerating?.();
    return await generate(input);
  } catch (error) {
    if (input.signal.aborted) throw input.signal.reason;
    const text =
      error instanceof StepError
        ? `${error.verdict}${error.reason === null ? '' : `: ${error.reason}`}`
        : String(error);
    return notYet('probe-failed', text);
  }
}
