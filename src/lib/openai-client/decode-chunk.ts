import type { StreamChunk, StreamDone, StreamFault, ToolCallDelta, Usage } from './types.ts';

type Json = Record<string, unknown>;

/**
 * Reads the data of one server-sent event of `/v1/chat/completions`. Reasoning arrives as `reasoning` or, from older
 * servers, as `reasoning_content`; both are taken. Never throws: what is not JSON comes back as a fault.
 */
export function decodeChunk(
  data: string,
  readAt: number,
  read: number,
): StreamChunk | StreamDone | StreamFault {
  if (data === '[DONE]') return { kind: 'done', readAt, read };
  let parsed: unknown;
  try {
    parsed = JSON.parse(data);
  } catch {
    return {
      kind: 'fault',
      readAt,
      read,
      message: `an event is not JSON: ${data.slice(0, 200)}`,
      type: null,
      code: null,
    };
  }
  if (!isObject(parsed)) {
    return {
      kind: 'fault',
      readAt,
      read,
      message: `an event is not an object: ${data.slice(0, 200)}`,
      type: null,
      code: null,
    };
  }
  if (parsed['error'] !== undefined && parsed['error'] !== null)
    return decodeFault(parsed['error'], readAt, read);
  const choices = Array.isArray(parsed['choices']) ? parsed['choices'] : [];
  const choice: unknown = choices[0];
  const delta = isObject(choice) && isObject(choice['delta']) ? choice['delta'] : {};
  return {
    kind: 'chunk',
    readAt,
    read,
    id: text(parsed['id']),
    choices: choices.length,
    reasoning: text(delta['reasoning']) ?? text(delta['reasoning_content']) ?? '',
    content: text(delta['content']) ?? '',
    toolCalls: decodeToolCalls(delta['tool_calls']),
    finishReason: isObject(choice) ? text(choice['finish_reason']) : null,
    usage: decodeUsage(parsed['usage']),
  };
}

/** Reads OpenAI's `usage` object; null when it is missing or has no counts. */
export function decodeUsage(value: unknown): Usage | null {
  if (!isObject(value)) return null;
  const promptTokens = count(value['prompt_tokens']);
  const completionTokens = count(value['completion_tokens']);
  if (promptTokens === null && completionTokens === null) return null;
  const promptDetails = value['prompt_tokens_details'];
  const completionDetails = value['completion_tokens_details'];
  return {
    promptTokens: promptTokens ?? 0,
    completionTokens: completionTokens ?? 0,
    cachedTokens: isObject(promptDetails) ? count(promptDetails['cached_tokens']) : null,
    reasoningTokens: isObject(completionDetails) ? count(completionDetails['reasoning_tokens']) : null,
  };
}

function decodeFault(error: unknown, readAt: number, read: number): StreamFault {
  if (!isObject(error))
    return { kind: 'fault', readAt, read, message: String(error), type: null, code: null };
  const code = error['code'];
  return {
    kind: 'fault',
    readAt,
    read,
    message: text(error['message']) ?? JSON.stringify(error).slice(0, 500),
    type: text(error['type']),
    code: typeof code === 'number' ? String(code) : text(code),
  };
}

function decodeToolCalls(value: unknown): ToolCallDelta[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isObject).map((call, position) => {
    const called = isObject(call['function']) ? call['function'] : {};
    return {
      index: count(call['index']) ?? position,
      id: text(call['id']),
      name: text(called['name']),
      arguments: text(called['arguments']) ?? '',
    };
  });
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
