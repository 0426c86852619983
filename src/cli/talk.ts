import { type ChatEvent, streamChat } from '../lib/openai-client/index.ts';
import { StepError } from '../lib/index.ts';
import type { Output } from './output.ts';
import type { Target } from './target.ts';

export interface Question {
  readonly text: string;
  readonly system: string | null;
  readonly maxTokens: number | null;
  readonly temperature: number | null;
  readonly timeoutMs: number;
}

export type Finish = Extract<ChatEvent, { kind: 'finish' }>;

export interface Talk {
  readonly reasoning: string;
  readonly content: string;
  readonly finish: Finish;
}

/** Sends one question and prints the answer as it streams: reasoning dimmed, content plain. */
export async function talk(
  out: Output,
  target: Target,
  question: Question,
  print: boolean,
  signal: AbortSignal,
): Promise<Talk> {
  let reasoning = '';
  let content = '';
  let finish: Finish | null = null;
  const show = (text: string): void => void (print && out.data(text));
  for await (const event of streamChat(chatOptions(target, question), signal)) {
    if (event.kind === 'reasoning') {
      reasoning += event.text;
      show(out.paint('dim', event.text));
    } else if (event.kind === 'content') {
      if (content === '' && reasoning !== '') show('\n');
      content += event.text;
      show(event.text);
    } else finish = event;
  }
  show('\n');
  if (finish !== null) return { reasoning, content, finish };
  throw new StepError('STEP_API_BROKEN', {
    verdict: 'the answer ended in the middle',
    reason: 'no finish reason came',
    next: 'stepctl logs engine',
  });
}

const chatOptions = (target: Target, question: Question): Parameters<typeof streamChat>[0] => ({
  address: { baseUrl: target.url, socketPath: null },
  apiKey: target.key,
  model: target.model,
  messages: [
    ...(question.system === null ? [] : [{ role: 'system' as const, content: question.system }]),
    { role: 'user' as const, content: question.text },
  ],
  maxTokens: question.maxTokens,
  temperature: question.temperature,
  timeoutMs: question.timeoutMs,
});

/** `17 tokens, first after 21 ms, 310 tok/s`. Pure. */
export function summarise(finish: Finish): string {
  const tokens = finish.usage?.completionTokens ?? null;
  const parts: string[] = [];
  if (tokens !== null) parts.push(`${tokens} tokens`);
  if (finish.ttftMs !== null) parts.push(`first after ${Math.round(finish.ttftMs)} ms`);
  const decodeMs = finish.totalMs - (finish.ttftMs ?? 0);
  if (tokens !== null && tokens > 1 && decodeMs > 0)
    parts.push(`then ${Math.round(((tokens - 1) * 1000) / decodeMs)} tok/s`);
  if (finish.finishReason !== null) parts.push(`finish ${finish.finishReason}`);
  return parts.join(', ');
}
