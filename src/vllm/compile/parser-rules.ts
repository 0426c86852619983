import { nearestName, StepError } from '../../lib/index.ts';
import { type CompileContext, flag, type Outcome, type Rule } from './context.ts';

/** Parsers are no choices of the flag: vLLM refuses an unknown one only once its imports are done. */
const requireParser = (
  { stack, facts, release }: CompileContext,
  key: 'reasoningParser' | 'toolCallParser',
  plugin: string,
): string[] => {
  const name = stack.serve[key];
  const known = key === 'reasoningParser' ? facts.reasoningParsers : facts.toolParsers;
  const hasPlugin = stack.serve.extraArgs.some((arg) => arg.replaceAll('_', '-').startsWith(plugin));
  if (name === null || known.includes(name) || hasPlugin) return [];
  const near = nearestName(name, known);
  const reason = `it knows ${known.length}${near === null ? '' : `; the nearest is ${near}`}`;
  if (!release.isExact) return [`serve.${key} ${name} is not known to vLLM ${release.version}: ${reason}`];
  throw new StepError('STEP_VLLM_INTENT_UNSUPPORTED', {
    verdict: `vLLM ${release.asked} has no ${key === 'reasoningParser' ? 'reasoning' : 'tool'} parser ${name}`,
    reason,
    next:
      near === null
        ? `set serve.${key} to one of: ${known.join(', ')}`
        : `--set serve.${key}=${near}, or add ${plugin} to serve.extraArgs`,
    details: { asked: name, known },
  });
};

export const parseOutput: Rule = (context): Outcome => {
  const { reasoningParser, toolCallParser } = context.stack.serve;
  const reasoning = `serve.reasoningParser: ${reasoningParser}`;
  const tools = `serve.toolCallParser: ${toolCallParser}`;
  return {
    items: [
      ...(reasoningParser === null ? [] : [flag('--reasoning-parser', reasoningParser, reasoning)]),
      ...(toolCallParser === null
        ? []
        : [
            flag('--enable-auto-tool-choice', null, tools),
            flag('--tool-call-parser', toolCallParser, tools),
          ]),
    ],
    warnings: [
      ...requireParser(context, 'reasoningParser', '--reasoning-parser-plugin'),
      ...requireParser(context, 'toolCallParser', '--tool-parser-plugin'),
    ],
  };
};
