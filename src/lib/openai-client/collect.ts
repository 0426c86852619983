import type { StreamEvent, ToolCallDelta, Usage } from './types.ts';

export interface ToolCall {
  readonly id: string | null;
  readonly name: string;
  /** JSON text, as it streamed in. */
  readonly arguments: string;
}

/** What a chat answer was, whole, however it was delivered. */
export interface ChatAnswer {
  readonly ids: readonly string[];
  readonly reasoning: string;
  readonly content: string;
  readonly toolCalls: readonly ToolCall[];
  readonly finishReason: string | null;
  readonly usage: Usage | null;
  /** Saw `data: [DONE]`; always true for an answer that did not stream. */
  readonly isDone: boolean;
  readonly fault: string | null;
  readonly chunks: number;
}

/** Puts a streamed answer together, event by event. */
export function createChatCollector(): { add(event: StreamEvent): void; answer(): ChatAnswer } {
  const ids = new Set<string>();
  const tools = new Map<number, { id: string | null; name: string; arguments: string }>();
  let reasoning = '';
  let content = '';
  let finishReason: string | null = null;
  let usage: Usage | null = null;
  let isDone = false;
  let fault: string | null = null;
  let chunks = 0;
  return {
    add: (event) => {
      if (event.kind === 'done') isDone = true;
      if (event.kind === 'fault') fault ??= event.message;
      if (event.kind !== 'chunk') return;
      chunks += 1;
      if (event.id !== null) ids.add(event.id);
      reasoning += event.reasoning;
      content += event.content;
      for (const call of event.toolCalls) addToolDelta(tools, call);
      finishReason = event.finishReason ?? finishReason;
      usage = event.usage ?? usage;
    },
    answer: () => ({
      ids: [...ids],
      reasoning,
      content,
      toolCalls: [...tools.entries()].toSorted(([a], [b]) => a - b).map(([, call]) => call),
      finishReason,
      usage,
      isDone,
      fault,
      chunks,
    }),
  };
}

function addToolDelta(
  tools: Map<number, { id: string | null; name: string; arguments: string }>,
  delta: ToolCallDelta,
): void {
  const call = tools.get(delta.index) ?? { id: null, name: '', arguments: '' };
  tools.set(delta.index, {
    id: delta.id ?? call.id,
    // The name comes once; servers that repeat it in every piece repeat it whole.
    name: call.name === '' ? (delta.name ?? '') : call.name,
    arguments: call.arguments + delta.arguments,
  });
}
