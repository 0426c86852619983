import type { CheckpointScript } from '../../lib/index.ts';
import type { ScriptPlan } from './plan.ts';
import { scriptTexts } from './texts.ts';

/** What a right load answers at temperature 0, as the parsers return it. */
export function describeScripts(plan: ScriptPlan, seed: number): CheckpointScript {
  return {
    schema: 'stepctl/script/1',
    seed,
    scripts: scriptTexts.map(({ name, prompt, reasoning, answer, toolCalls }) => ({
      name,
      prompt,
      // The parser takes away the newline before `</think>`.
      reasoning: reasoning.join('').replace(/\n$/, ''),
      content: name === 'tool' ? '' : answer.join(''),
      toolCalls: toolCalls.map((call) => ({ name: call.name, arguments: { ...call.arguments } })),
      finish: name === 'tool' ? 'tool_calls' : name === 'endless' ? 'length' : 'stop',
      completionTokens: name === 'endless' ? null : (plan.generated.get(name)?.length ?? null),
    })),
  };
}
