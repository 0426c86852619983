import { randomUUID } from 'node:crypto';
import type { Answer, Piece } from './answer.ts';
import type { SimRequest } from './request.ts';

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

export const makeUsage = (request: SimRequest, tokens: number): Usage => ({
  prompt_tokens: request.promptTokens,
  completion_tokens: tokens,
  total_tokens: request.promptTokens + tokens,
});

interface ToolCall {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
}

/** How many tokens a request gets, and how it ends. */
export function planLength(
  request: SimRequest,
  answer: Answer,
): { readonly count: number; readonly finish: string } {
  const natural = request.ignoresEos ? null : answer.length;
  if (natural === null) return { count: request.maxTokens, finish: 'length' };
  const wanted = Math.max(natural, request.minTokens);
  return wanted <= request.maxTokens
    ? { count: wanted, finish: answer.finish }
    : { count: request.maxTokens, finish: 'length' };
}

/** The piece at k; the last token of an answer that ends by itself is the end token, which has no text. */
export const pieceAt = (answer: Answer, k: number, plan: { count: number; finish: string }): Piece =>
  plan.finish !== 'length' && k === plan.count - 1 ? { channel: 'none' } : answer.piece(k);

const join = (pieces: readonly Piece[], channel: 'reasoning' | 'content'): string =>
  pieces.flatMap((piece) => (piece.channel === channel ? [piece.text] : [])).join('');

function toolCalls(pieces: readonly Piece[]): ToolCall[] {
  const calls: { name: string; given: string }[] = [];
  for (const piece of pieces) {
    if (piece.channel === 'tool-name') calls[piece.index] = { name: piece.name, given: '' };
    if (piece.channel === 'tool-arguments') {
      const call = calls[piece.index];
      if (call !== undefined) call.given += piece.text;
    }
  }
  return calls.map(({ name, given }) => ({
    id: `chatcmpl-tool-${randomUUID().slice(0, 16)}`,
    type: 'function',
    function: { name, arguments: given },
  }));
}

const textOf = (piece: Piece): string =>
  piece.channel === 'reasoning' || piece.channel === 'content' ? piece.text : '';

const logprobsOf = (pieces: readonly Piece[]) => ({
  content: pieces.map((piece) => ({
    token: textOf(piece),
    logprob: -0.01,
    bytes: [...Buffer.from(textOf(piece))],
    top_logprobs: [],
  })),
});

/** Body of a reply that is not streamed. */
export function wholeReply(
  request: SimRequest,
  model: string,
  pieces: readonly Piece[],
  finish: string,
): unknown {
  const head = { created: Math.floor(Date.now() / 1000), model };
  const usage = makeUsage(request, pieces.length);
  if (request.kind === 'completion') {
    const text = join(pieces, 'reasoning') + join(pieces, 'content');
    const choice = { index: 0, text, logprobs: null, finish_reason: finish, stop_reason: null };
    return { id: `cmpl-${randomUUID()}`, object: 'text_completion', ...head, choices: [choice], usage };
  }
  const calls = toolCalls(pieces);
  const content = join(pieces, 'content');
  const reasoning = join(pieces, 'reasoning');
  const message = {
    role: 'assistant',
    content: content === '' ? null : content,
    tool_calls: calls,
    ...(reasoning === '' ? {} : { reasoning }),
  };
  const logprobs = request.hasLogprobs ? logprobsOf(pieces) : null;
  const choice = { index: 0, message, logprobs, finish_reason: finish, stop_reason: null };
  return { id: `chatcmpl-${randomUUID()}`, object: 'chat.completion', ...head, choices: [choice], usage };
}

/** `delta` objects of a chat stream for one event's pieces: text of one channel is joined, calls are indexed. */
function deltasOf(pieces: readonly Piece[]): Record<string, unknown>[] {
  const deltas: Record<string, unknown>[] = [];
  for (const channel of ['reasoning', 'content'] as const) {
    const text = join(pieces, channel);
    if (text !== '') deltas.push({ [channel]: text });
  }
  for (const piece of pieces) {
    if (piece.channel === 'tool-name') {
      const id = `chatcmpl-tool-${randomUUID().slice(0, 16)}`;
      deltas.push({
        tool_calls: [
          { id, type: 'function', index: piece.index, function: { name: piece.name, arguments: '' } },
        ],
      });
    } else if (piece.channel === 'tool-arguments') {
      deltas.push({ tool_calls: [{ index: piece.index, function: { arguments: piece.text } }] });
    }
  }
  return deltas;
}

export interface StreamShape {
  /** First event: the role, before any token. None for completions. */
  opening(): unknown[];
  /** Events for the tokens of one chunk; `tokens` counts all so far. */
  events(pieces: readonly Piece[], tokens: number): unknown[];
  /** Last events: finish reason, then usage where asked for. */
  closing(finish: string, tokens: number): unknown[];
}

/** Shapes the events of one streamed reply. */
export function streamShape(request: SimRequest, model: string): StreamShape {
  const isChat = request.kind === 'chat';
  const head = {
    id: `${isChat ? 'chatcmpl' : 'cmpl'}-${randomUUID()}`,
    object: isChat ? 'chat.completion.chunk' : 'text_completion',
    created: Math.floor(Date.now() / 1000),
    model,
  };
  const event = (part: Record<string, unknown>, finish: string | null, tokens: number) => ({
    ...head,
    choices: [{ index: 0, ...part, logprobs: null, finish_reason: finish }],
    ...(request.hasUsageInEach ? { usage: makeUsage(request, tokens) } : {}),
  });
  return {
    opening: () => (isChat ? [event({ delta: { role: 'assistant', content: '' } }, null, 0)] : []),
    events: (pieces, tokens) =>
      isChat
        ? deltasOf(pieces).map((delta) => event({ delta }, null, tokens))
        : [event({ text: pieces.map(textOf).join('') }, null, tokens)],
    closing: (finish, tokens) => [
      event(isChat ? { delta: {} } : { text: '' }, finish, tokens),
      ...(request.hasUsageChunk ? [{ ...head, choices: [], usage: makeUsage(request, tokens) }] : []),
    ],
  };
}
