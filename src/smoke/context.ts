import type { Clock, Script } from '../lib/index.ts';
import {
  type ApiClient,
  type ApiReply,
  type ChatAnswer,
  createChatCollector,
  type StreamEvent,
} from '../lib/openai-client/index.ts';
import { decodeAnswer } from './answer.ts';
import type { Outcome } from './outcome.ts';
import type { SmokeOptions } from './types.ts';

export interface SmokeContext {
  readonly client: ApiClient;
  readonly options: SmokeOptions;
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

export interface Check {
  readonly id: string;
  readonly proves: string;
  /** Throws only ApiError, which counts as a fail. */
  run(context: SmokeContext): Promise<Outcome>;
}

export const chatPath = '/v1/chat/completions';
const plainPrompt = 'Say in one short sentence what a lighthouse is for.';

/** The prompt of a script, or a plain question where there is none. */
export function promptOf(context: SmokeContext, name: Script['name']): string {
  return findScript(context, name)?.prompt ?? plainPrompt;
}

export function findScript(context: SmokeContext, name: Script['name']): Script | null {
  return context.options.script?.scripts.find((script) => script.name === name) ?? null;
}

export interface AskParts {
  readonly prompt: string;
  readonly maxTokens: number;
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** One greedy chat request as a stream, put together. */
export async function askStream(context: SmokeContext, parts: AskParts): Promise<ChatAnswer> {
  const collector = createChatCollector();
  for await (const event of openStream(context, parts)) collector.add(event);
  return collector.answer();
}

/** The stream itself, for checks that look at single events. */
export function openStream(
  context: SmokeContext,
  parts: AskParts,
  signal?: AbortSignal,
): AsyncIterableIterator<StreamEvent> {
  const body = { ...bodyOf(context, parts), stream: true, stream_options: { include_usage: true } };
  return context.client.stream(chatPath, body, {
    signal: signal ?? context.signal,
    timeoutMs: timeoutOf(context),
  });
}

/** The same request without streaming. */
export async function askWhole(
  context: SmokeContext,
  parts: AskParts,
): Promise<{ reply: ApiReply; answer: ChatAnswer | null }> {
  const reply = await sendBody(context, bodyOf(context, parts));
  return { reply, answer: reply.status === 200 ? decodeAnswer(reply.json) : null };
}

/** Any chat body, right or wrong; the answer as it is. */
export function sendBody(context: SmokeContext, body: unknown): Promise<ApiReply> {
  return context.client.request('POST', chatPath, body, {
    signal: context.signal,
    timeoutMs: timeoutOf(context),
  });
}

export function get(context: SmokeContext, path: string, apiKey?: string | null): Promise<ApiReply> {
  const key = apiKey === undefined ? {} : { apiKey };
  return context.client.request('GET', path, undefined, {
    signal: context.signal,
    timeoutMs: timeoutOf(context),
    ...key,
  });
}

export function bodyOf(context: SmokeContext, parts: AskParts): Record<string, unknown> {
  return {
    model: context.options.model,
    messages: [{ role: 'user', content: parts.prompt }],
    max_tokens: parts.maxTokens,
    temperature: 0,
    ...parts.extra,
  };
}

function timeoutOf(context: SmokeContext): number {
  return context.options.requestTimeoutMs ?? 120_000;
}
