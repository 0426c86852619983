import { StepError } from '../../lib/index.ts';
import type { CommandSpec } from '../context.ts';
import { parseWhole } from '../numbers.ts';
import { findTarget, targetOptions } from '../target.ts';

export const chatCommand: CommandSpec = {
  name: 'chat',
  summary: 'ask the running model one question; the answer streams',
  args: [{ name: '<question>', description: 'the question; - reads it from standard input' }],
  options: [
    { flags: '--system <text>', description: 'system message' },
    { flags: '--max-tokens <count>', description: 'longest answer' },
    { flags: '--temperature <t>', description: '0 is greedy' },
    { flags: '--timeout <ms>', description: 'deadline for the whole answer; 0 has none', default: '600000' },
    ...targetOptions,
  ],
  examples: [
    'stepctl chat "Hello"',
    'git diff | stepctl chat -',
    'stepctl chat "Hello" --json | jq -r .content',
  ],
  run: async (context, args, options) => {
    const { talk, summarise } = await import('../talk.ts');
    const text = args[0] === '-' ? await readInput() : (args[0] ?? '');
    if (text.trim() === '')
      throw new StepError('STEP_USAGE', { verdict: 'the question is empty', next: 'stepctl chat "Hello"' });
    const temperature = options['temperature'] === undefined ? null : Number(options['temperature']);
    if (Number.isNaN(temperature))
      throw new StepError('STEP_USAGE', {
        verdict: `--temperature takes a number, got "${String(options['temperature'])}"`,
        next: 'stepctl chat "Hello" --temperature 0',
      });
    const target = await findTarget(context, options);
    const question = {
      text,
      system: (options['system'] as string | undefined) ?? null,
      maxTokens: parseWhole(options['maxTokens'], '--max-tokens'),
      temperature,
      timeoutMs: parseWhole(options['timeout'], '--timeout') ?? 0,
    };
    const said = await talk(context.out, target, question, !context.json, context.signal);
    if (context.json) context.out.json({ schema: 'stepctl/chat/1', model: target.model, ...said });
    else context.out.say(context.out.paint('dim', summarise(said.finish)));
  },
};

async function readInput(): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of process.stdin) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}
