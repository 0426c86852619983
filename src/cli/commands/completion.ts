import { StepError } from '../../lib/index.ts';
import type { CommandSpec } from '../context.ts';

export const completionCommand: CommandSpec = {
  name: 'completion',
  summary: 'shell completion, to be sourced',
  args: [{ name: '<shell>', description: 'bash, zsh or fish' }],
  examples: [
    'source <(stepctl completion bash)',
    'stepctl completion fish > ~/.config/fish/completions/stepctl.fish',
  ],
  run: async (context, args) => {
    const { allCommands } = await import('./index.ts');
    const { renderCompletion } = await import('../render-completion.ts');
    const script = renderCompletion(args[0] ?? '', allCommands);
    if (script === null) {
      throw new StepError('STEP_USAGE', {
        verdict: `no completion for the shell "${args[0] ?? ''}"`,
        reason: 'known are bash, zsh and fish',
        next: 'stepctl completion bash',
      });
    }
    context.out.data(script);
  },
};
