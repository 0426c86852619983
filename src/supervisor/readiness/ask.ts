import { z } from 'zod';
import { type Endpoint, parseAnswer, requestEngine } from '../../engine/index.ts';
import type { Script } from '../../lib/index.ts';
import type { GeneratedAnswer } from './judge.ts';

/** Tokens asked of an ordinary model: enough to tell words from one repeated token. */
const ordinaryTokens = 16;

const messageSchema = z.looseObject({
  content: z.string().nullish(),
  reasoning: z.string().nullish(),
  // Its name before 0.16 and in other servers.
  reasoning_content: z.string().nullish(),
});
const answerSchema = z.looseObject({
  choices: z
    .array(
      z.looseObject({
        message: messageSchema.optional(),
        text: z.string().nullish(),
        logprobs: z
          .looseObject({ content: z.array(z.looseObject({ logprob: z.number().nullable() })).nullish() })
          .nullish(),
      }),
    )
    .min(1),
  usage: z.looseObject({ completion_tokens: z.number() }),
});
const errorSchema = z.looseObject({ error: z.looseObject({ message: z.string() }) });

/** The engine answered something else than a completion. */
export interface Refusal {
  readonly status: number;
  readonly message: string;
}

export interface AskInput {
  readonly endpoint: Endpoint;
  readonly servedName: string;
  /** null asks an ordinary question. */
  readonly script: Script | null;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

function readAnswer(value: unknown): GeneratedAnswer | null {
  const parsed = answerSchema.safeParse(value);
  const choice = parsed.success ? parsed.data.choices[0] : undefined;
  if (!parsed.success || choice === undefined) return null;
  const { message } = choice;
  return {
    reasoning: message?.reasoning ?? message?.reasoning_content ?? '',
    content: message?.content ?? choice.text ?? '',
    completionTokens: parsed.data.usage.completion_tokens,
    logprobs: (choice.logprobs?.content ?? []).map(({ logprob }) => logprob),
  };
}

async function post(input: AskInput, path: string, body: unknown): Promise<GeneratedAnswer | Refusal> {
  const { endpoint, timeoutMs, signal } = input;
  const answer = await requestEngine(endpoint, { path, body, timeoutMs, signal });
  // The body decides, not the status: 0.16.0 answers 200 with an error inside when its core has died.
  const value = answer.status < 500 || answer.text.startsWith('{') ? parseAnswer(answer, path) : null;
  const failure = errorSchema.safeParse(value);
  if (failure.success) return { status: answer.status, message: failure.data.error.message };
  return readAnswer(value) ?? { status: answer.status, message: answer.text.slice(0, 200) };
}

export const isRefusal = (outcome: GeneratedAnswer | Refusal): outcome is Refusal => 'status' in outcome;

/**
 * Has the engine generate one answer at temperature 0. A model without chat template refuses the chat route with 400
 * and is asked for a plain completion. Throws what requestEngine throws.
 */
export async function askEngine(input: AskInput): Promise<GeneratedAnswer | Refusal> {
  const { script, servedName: model } = input;
  const prompt = script?.prompt ?? 'Say hello and count to five.';
  const maxTokens = script === null ? ordinaryTokens : (script.completionTokens ?? ordinaryTokens) + 8;
  const common = { model, temperature: 0, max_tokens: maxTokens };
  const chat = await post(input, '/v1/chat/completions', {
    ...common,
    messages: [{ role: 'user', content: prompt }],
    ...(script === null ? { logprobs: true } : {}),
  });
  if (script !== null || !isRefusal(chat) || chat.status !== 400) return chat;
  return post(input, '/v1/completions', { ...common, prompt });
}
