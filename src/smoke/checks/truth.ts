import type { Script } from '../../lib/index.ts';
import type { ChatAnswer } from '../../lib/openai-client/index.ts';
import { askStream, type Check, findScript, type SmokeContext } from '../context.ts';
import { fail, type Outcome, pass, quote, skip } from '../outcome.ts';
import { parseArguments, toolRequest } from './tools.ts';

/** More than any script says: an answer that runs on is a wrong one and must not be cut to the right length. */
const spareTokens = 64;

const truthChat: Check = {
  id: 'truth-chat',
  proves:
    'the scripted checkpoint says its text word by word: every expert is there, in its place, under the right activation',
  run: async (context) => {
    const script = findScript(context, 'chat');
    if (script === null) return skip('the checkpoint has no script');
    const maxTokens = (script.completionTokens ?? spareTokens) + spareTokens;
    return judgeTruth(context, script, await askStream(context, { prompt: script.prompt, maxTokens }));
  },
};

const truthTool: Check = {
  id: 'truth-tool',
  proves: 'the scripted tool call comes with its exact arguments',
  run: async (context) => {
    const script = findScript(context, 'tool');
    if (script === null) return skip('the checkpoint has no script');
    if (!context.options.features.tools) return skip('no tool call parser is on');
    return judgeTruth(context, script, await askStream(context, toolRequest(context)));
  },
};

function judgeTruth(context: SmokeContext, script: Script, answer: ChatAnswer): Outcome {
  const problem =
    findTextProblem(context, script, answer) ??
    findCallProblem(script, answer) ??
    findEndProblem(script, answer);
  const evidence = [`reasoning ${quote(answer.reasoning)}`, `content ${quote(answer.content)}`];
  for (const call of answer.toolCalls) evidence.push(`call ${call.name}(${quote(call.arguments)})`);
  return problem === null ? pass(...evidence) : fail(problem, ...evidence);
}

function findTextProblem(context: SmokeContext, script: Script, answer: ChatAnswer): string | null {
  if (context.options.features.reasoning) {
    return (
      compareWords('reasoning', script.reasoning, answer.reasoning) ??
      compareWords('content', script.content, answer.content)
    );
  }
  // Without a parser the engine hands out the thinking as content, with or without its end tag.
  return compareWords(
    'content',
    `${script.reasoning} ${script.content}`,
    answer.content.replace('</think>', ' '),
  );
}

function findCallProblem(script: Script, answer: ChatAnswer): string | null {
  if (script.toolCalls.length !== answer.toolCalls.length)
    return `${answer.toolCalls.length} tool calls instead of ${script.toolCalls.length}`;
  for (const [position, expected] of script.toolCalls.entries()) {
    const call = answer.toolCalls[position];
    if (call?.name !== expected.name)
      return `${call?.name ?? 'nothing'} was called instead of ${expected.name}`;
    const given = parseArguments(call.arguments);
    for (const [key, value] of Object.entries(expected.arguments)) {
      if (given?.[key] !== value)
        return `the argument ${key} is ${JSON.stringify(given?.[key])} instead of ${quote(value)}`;
    }
  }
  return null;
}

function findEndProblem(script: Script, answer: ChatAnswer): string | null {
  if (answer.finishReason !== script.finish)
    return `the finish reason is ${answer.finishReason} instead of ${script.finish}`;
  const tokens = answer.usage?.completionTokens;
  if (script.completionTokens === null || tokens === undefined || tokens === script.completionTokens)
    return null;
  return `${tokens} tokens were counted instead of ${script.completionTokens}`;
}

/** Names the first word that differs; null when all words are the same. White space is the parser's business, not the model's. */
export function compareWords(channel: string, expected: string, actual: string): string | null {
  const wanted = expected.split(/\s+/).filter((word) => word !== '');
  const given = actual.split(/\s+/).filter((word) => word !== '');
  const length = Math.max(wanted.length, given.length);
  for (let position = 0; position < length; position += 1) {
    if (wanted[position] === given[position]) continue;
    const found = given[position] === undefined ? 'the end' : quote(given[position] ?? '');
    const awaited = wanted[position] === undefined ? 'the end' : quote(wanted[position] ?? '');
    return `${channel}, word ${position + 1}: ${found} instead of ${awaited}`;
  }
  return null;
}

export const truthChecks: readonly Check[] = [truthChat, truthTool];
