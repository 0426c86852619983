import type { ChatAnswer } from '../../lib/openai-client/index.ts';
import { askStream, askWhole, type Check, promptOf } from '../context.ts';
import { fail, pass, quote, skip } from '../outcome.ts';

/** Enough for a short answer with its thinking; an answer that is longer ends with `length`, which is legal here. */
const answerTokens = 256;
const shortTokens = 24;

const chat: Check = {
  id: 'chat',
  proves: 'a plain request is answered with text, a finish reason and token counts',
  run: async (context) => {
    const { reply, answer } = await askWhole(context, {
      prompt: promptOf(context, 'chat'),
      maxTokens: answerTokens,
    });
    if (answer === null) return fail(`answered ${reply.status} without a chat completion`, quote(reply.text));
    if (saidBy(answer) === '')
      return fail('the answer has no text on any channel', `finish ${answer.finishReason}`);
    if (answer.finishReason === null) return fail('the answer has no finish reason', quote(saidBy(answer)));
    if (answer.usage === null) return fail('the answer has no usage', quote(saidBy(answer)));
    return pass(
      quote(saidBy(answer)),
      `finish ${answer.finishReason}, ${answer.usage.completionTokens} tokens`,
    );
  },
};

const stream: Check = {
  id: 'stream',
  proves: 'a stream carries one answer, a finish reason, its usage and [DONE]',
  run: async (context) => {
    const answer = await askStream(context, { prompt: promptOf(context, 'chat'), maxTokens: answerTokens });
    const evidence = [
      `${answer.chunks} chunks, finish ${answer.finishReason}, [DONE] ${answer.isDone ? 'seen' : 'missing'}`,
    ];
    const problem = findStreamProblem(answer);
    return problem === null ? pass(...evidence, quote(saidBy(answer))) : fail(problem, ...evidence);
  },
};

function findStreamProblem(answer: ChatAnswer): string | null {
  if (answer.fault !== null) return `an error came inside the stream: ${answer.fault}`;
  if (saidBy(answer) === '') return 'the stream held no text';
  if (answer.finishReason === null) return 'the stream ended without a finish reason';
  if (!answer.isDone) return 'the stream ended without [DONE]';
  if (answer.usage === null) return 'the stream held no usage although it was asked for';
  return answer.ids.length > 1 ? `one stream carried ${answer.ids.length} ids` : null;
}

const reasoningApart: Check = {
  id: 'reasoning-apart',
  proves: 'thinking and answer come in fields of their own, without think tags',
  run: async (context) => {
    if (!context.options.features.reasoning) return skip('no reasoning parser is on');
    const answer = await askStream(context, { prompt: promptOf(context, 'chat'), maxTokens: answerTokens });
    const evidence = [`reasoning ${quote(answer.reasoning)}`, `content ${quote(answer.content)}`];
    if (answer.reasoning === '') return fail('no reasoning came', ...evidence);
    if (/<\/?think>/.test(answer.reasoning + answer.content))
      return fail('a think tag is in the text', ...evidence);
    if (answer.content === '' && answer.finishReason !== 'length')
      return fail('no content came after the reasoning', ...evidence);
    return pass(...evidence);
  },
};

const maxTokens: Check = {
  id: 'max-tokens',
  proves: 'max_tokens ends the answer at that length, with finish reason length',
  run: async (context) => {
    const limit = 5;
    const { usage, finishReason } = await askStream(context, {
      prompt: promptOf(context, 'endless'),
      maxTokens: limit,
    });
    const evidence = `max_tokens ${limit} → ${usage?.completionTokens ?? 'no count of'} tokens, finish ${finishReason}`;
    return usage?.completionTokens === limit && finishReason === 'length'
      ? pass(evidence)
      : fail('the limit was not kept', evidence);
  },
};

const usage: Check = {
  id: 'usage',
  proves: 'streamed and whole answers to one question count the same tokens',
  run: async (context) => {
    const parts = { prompt: promptOf(context, 'chat'), maxTokens: shortTokens };
    const streamed = (await askStream(context, parts)).usage;
    const whole = (await askWhole(context, parts)).answer?.usage ?? null;
    if (streamed === null || whole === null)
      return fail(`the ${streamed === null ? 'streamed' : 'whole'} answer has no usage`);
    const evidence = [
      `streamed: ${streamed.promptTokens} + ${streamed.completionTokens} tokens`,
      `whole: ${whole.promptTokens} + ${whole.completionTokens} tokens`,
    ];
    const isEqual =
      streamed.promptTokens === whole.promptTokens && streamed.completionTokens === whole.completionTokens;
    if (!isEqual) return fail('the counts differ', ...evidence);
    return whole.completionTokens > 0 && whole.promptTokens > 0
      ? pass(...evidence)
      : fail('a count is zero', ...evidence);
  },
};

const determinism: Check = {
  id: 'determinism',
  proves: 'at temperature 0 the same question gets the same text twice',
  run: async (context) => {
    const parts = { prompt: promptOf(context, 'chat'), maxTokens: shortTokens };
    const first = saidBy(await askStream(context, parts));
    const second = saidBy(await askStream(context, parts));
    return first === second ? pass(quote(first)) : fail('the texts differ', quote(first), quote(second));
  },
};

/** Everything an answer said, whatever the channel. */
export function saidBy(answer: ChatAnswer): string {
  return (
    answer.reasoning + answer.content + answer.toolCalls.map((call) => call.name + call.arguments).join('')
  );
}

export const chatChecks: readonly Check[] = [chat, stream, reasoningApart, maxTokens, usage, determinism];
