import type { ChatAnswer } from '../../lib/openai-client/index.ts';
import { asObject } from '../answer.ts';
import { askStream, type AskParts, type Check, findScript, type SmokeContext } from '../context.ts';
import { fail, pass, quote, skip } from '../outcome.ts';

/** A thinking model thinks before it calls. */
const toolTokens = 1024;

/** A request that offers the scripted tool, or a weather tool to an ordinary model. */
export function toolRequest(context: SmokeContext): AskParts {
  const script = findScript(context, 'tool');
  const call = script?.toolCalls[0] ?? { name: 'get_weather', arguments: { city: 'Paris' } };
  const properties = Object.fromEntries(Object.keys(call.arguments).map((key) => [key, { type: 'string' }]));
  const parameters = { type: 'object', properties, required: Object.keys(call.arguments) };
  const tool = {
    type: 'function',
    function: { name: call.name, description: 'Current weather of a city', parameters },
  };
  return {
    prompt: script?.prompt ?? 'What is the weather in Paris right now? Use the tool.',
    maxTokens: toolTokens,
    extra: { tools: [tool] },
  };
}

const toolCall: Check = {
  id: 'tool-call',
  proves: 'an offered tool is called, with arguments that parse',
  run: async (context) => {
    if (!context.options.features.tools) return skip('no tool call parser is on');
    const request = toolRequest(context);
    const answer = await askStream(context, request);
    const evidence = answer.toolCalls.map((call) => `${call.name}(${quote(call.arguments)})`);
    const problem = findToolProblem(answer);
    if (problem === null) return pass(...evidence, `finish ${answer.finishReason}`);
    return fail(
      problem,
      ...evidence,
      `content ${quote(answer.content)}`,
      `reasoning ${quote(answer.reasoning)}`,
    );
  },
};

function findToolProblem(answer: ChatAnswer): string | null {
  if (answer.toolCalls.length === 0) return `no tool was called (finish ${answer.finishReason})`;
  for (const call of answer.toolCalls) {
    if (call.name === '') return 'a call has no name';
    if (parseArguments(call.arguments) === null) return `the arguments of ${call.name} are not a JSON object`;
  }
  return answer.finishReason === 'tool_calls'
    ? null
    : `the finish reason is ${answer.finishReason} instead of tool_calls`;
}

/** Arguments of a call as an object; null when they are none. */
export function parseArguments(text: string): Record<string, unknown> | null {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return null;
  }
}

export const toolChecks: readonly Check[] = [toolCall];
