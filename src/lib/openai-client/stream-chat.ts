import { openApiClient } from './api-client.ts';
import { ApiError } from './api-error.ts';
import { createChatCollector, type ToolCall } from './collect.ts';
import type { ApiAddress, StreamChunk, Usage } from './types.ts';

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly content: string;
}

export interface ChatOptions {
  readonly address: ApiAddress;
  readonly apiKey: string | null;
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  /** null leaves the length to the server. */
  readonly maxTokens: number | null;
  /** null leaves it to the model's own default. */
  readonly temperature: number | null;
  /** Deadline for the whole answer, ms; 0 has none. */
  readonly timeoutMs: number;
  /** Further fields of the request body, such as `tools`. */
  readonly extraBody?: Readonly<Record<string, unknown>>;
}

export type ChatEvent =
  | { readonly kind: 'reasoning'; readonly text: string }
  | { readonly kind: 'content'; readonly text: string }
  | {
      readonly kind: 'finish';
      readonly finishReason: string | null;
      readonly toolCalls: readonly ToolCall[];
      readonly usage: Usage | null;
      /** First text or tool delta after the request was sent, ms; null when none came. */
      readonly ttftMs: number | null;
      readonly totalMs: number;
    };

/**
 * One chat answer as it comes: reasoning and content apart, then one `finish`.
 * @throws ApiError for a refusal, a cut stream or an error inside the stream.
 */
export async function* streamChat(
  options: ChatOptions,
  signal?: AbortSignal,
): AsyncGenerator<ChatEvent, void> {
  const client = openApiClient({ address: options.address, apiKey: options.apiKey, connections: 1 });
  try {
    const collector = createChatCollector();
    let sentAt = 0;
    let firstAt: number | null = null;
    let endedAt = 0;
    const request = { timeoutMs: options.timeoutMs, ...(signal === undefined ? {} : { signal }) };
    for await (const event of client.stream('/v1/chat/completions', chatBody(options), request)) {
      collector.add(event);
      if (event.kind === 'open') sentAt = event.sentAt;
      if (event.kind === 'end') endedAt = event.endedAt;
      if (event.kind === 'fault') throw faultError(event.message);
      if (event.kind !== 'chunk') continue;
      if (hasOutput(event)) firstAt ??= event.readAt;
      if (event.reasoning !== '') yield { kind: 'reasoning', text: event.reasoning };
      if (event.content !== '') yield { kind: 'content', text: event.content };
    }
    const { finishReason, toolCalls, usage } = collector.answer();
    if (finishReason === null)
      throw faultError('the stream ended without a finish reason: the answer is cut off');
    const ttftMs = firstAt === null ? null : firstAt - sentAt;
    yield { kind: 'finish', finishReason, toolCalls, usage, ttftMs, totalMs: endedAt - sentAt };
  } finally {
    await client.close();
  }
}

function chatBody(options: ChatOptions): Record<string, unknown> {
  return {
    model: options.model,
    messages: options.messages,
    stream: true,
    stream_options: { include_usage: true },
    ...(options.maxTokens === null ? {} : { max_tokens: options.maxTokens }),
    ...(options.temperature === null ? {} : { temperature: options.temperature }),
    ...options.extraBody,
  };
}

function hasOutput(chunk: StreamChunk): boolean {
  return chunk.reasoning !== '' || chunk.content !== '' || chunk.toolCalls.length > 0;
}

function faultError(message: string): ApiError {
  return new ApiError('the chat stream', {
    kind: 'broken',
    status: 200,
    message,
    body: null,
    requestId: null,
  });
}
