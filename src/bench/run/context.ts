import type { Reporter } from '../../lib/index.ts';
import type { ApiClient } from '../../lib/openai-client/index.ts';
import { observeRequest } from '../load/observe.ts';
import type { LoopWatch } from '../load/loop-watch.ts';
import type { BenchOptions, RefusedField, RequestRecord } from '../types.ts';
import { makeBody, type OptionalField } from '../workload/body.ts';
import type { PromptSizer } from '../workload/prompt-sizer.ts';
import { makePrompt } from '../workload/prompt.ts';
import type { Scenario } from '../workload/scenarios.ts';

/** All that the stages of one run share. */
export interface RunContext {
  readonly client: ApiClient;
  readonly options: BenchOptions;
  readonly scenario: Scenario;
  readonly sizer: PromptSizer;
  readonly nonce: string;
  readonly reporter: Reporter;
  /** Ctrl-C and the time budget in one. */
  readonly signal: AbortSignal;
  /** Fields still sent; shrinks while the probe learns what is refused. */
  readonly fields: Set<OptionalField>;
  readonly refused: RefusedField[];
  readonly watchLoop: () => LoopWatch;
}

export const defaultRequestTimeoutMs = 600_000;

/** Prompts of probe and warm-up are numbered from here, those of the levels from 0: none is ever sent twice. */
export const warmUpBase = 1_000_000;

export interface SendParts {
  readonly index: number;
  readonly outputTokens: number;
  /** null takes the calibrated length. */
  readonly chars: number | null;
}

/** Sends one measured request with a prompt of its own. */
export async function sendOne(
  context: RunContext,
  parts: SendParts,
): Promise<{ record: RequestRecord; chars: number }> {
  const { options, scenario, nonce } = context;
  const prompt = makePrompt({
    seed: scenario.seed,
    index: parts.index,
    nonce,
    chars: parts.chars ?? context.sizer.chars(),
  });
  const record = await observeRequest({
    client: context.client,
    index: parts.index,
    timeoutMs: options.requestTimeoutMs ?? defaultRequestTimeoutMs,
    signal: context.signal,
    body: makeBody({
      model: options.model,
      prompt,
      outputTokens: parts.outputTokens,
      seed: scenario.seed,
      salt: `${nonce}-${parts.index}`,
      fields: context.fields,
      extraBody: options.extraBody ?? {},
    }),
  });
  return { record, chars: prompt.length };
}
