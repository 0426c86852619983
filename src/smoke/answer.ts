import { type ChatAnswer, decodeUsage } from '../lib/openai-client/index.ts';

type Json = Record<string, unknown>;

/** Reads a whole (not streamed) chat completion; null when the body is none. */
export function decodeAnswer(json: unknown): ChatAnswer | null {
  const body = asObject(json);
  const choices = body?.['choices'];
  const choice = Array.isArray(choices) ? asObject(choices[0]) : null;
  const message = asObject(choice?.['message']);
  if (body === null || choice === null || message === null) return null;
  const calls = Array.isArray(message['tool_calls']) ? message['tool_calls'] : [];
  return {
    ids: typeof body['id'] === 'string' ? [body['id']] : [],
    reasoning: text(message['reasoning']) ?? text(message['reasoning_content']) ?? '',
    content: text(message['content']) ?? '',
    toolCalls: calls.map((call: unknown) => {
      const called = asObject(asObject(call)?.['function']);
      return {
        id: text(asObject(call)?.['id']),
        name: text(called?.['name']) ?? '',
        arguments: text(called?.['arguments']) ?? '',
      };
    }),
    finishReason: text(choice['finish_reason']),
    usage: decodeUsage(body['usage']),
    isDone: true,
    fault: null,
    chunks: 1,
  };
}

/** True for the error object that OpenAI's clients understand: `{"error": {"message": "…"}}`. */
export function isErrorObject(json: unknown): boolean {
  return text(asObject(asObject(json)?.['error'])?.['message']) !== null;
}

export function asObject(value: unknown): Json | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null;
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
