import { StepError } from '../../lib/index.ts';
import type { CommandSpec } from '../context.ts';

export const verifyCommand: CommandSpec = {
  name: 'verify',
  summary:
    'is the model on disk what the hub has? by size and headers, or by every hash; repairs what is not',
  args: [{ name: '[repo]', description: 'OWNER/NAME, or a model folder; the stack says which by default' }],
  readsStack: true,
  options: [
    { flags: '--quick', description: 'sizes, safetensors headers and index (default)' },
    { flags: '--full', description: 'every hash, at disk speed, on all cores' },
    { flags: '--repair', description: 'fetch again what is wrong, and only that; implies --full' },
    { flags: '--revision <rev>', description: 'branch, tag, refs/pr/N or commit' },
    { flags: '--include <pattern>', description: 'only files that match', many: true },
    { flags: '--exclude <pattern>', description: 'no file that matches', many: true },
  ],
  examples: [
    'stepctl verify',
    'stepctl verify tacos4me/Step-3.5-Flash-NVFP4 --full',
    'stepctl verify --repair',
    'stepctl verify ./my-model --full --json',
  ],
  run: async (context, args, options) => {
    if (options['quick'] === true && options['full'] === true) {
      throw new StepError('STEP_USAGE', {
        verdict: '--quick and --full exclude each other',
        next: 'stepctl verify --full',
      });
    }
    const { resolveFor } = await import('../resolve.ts');
    const { verifyForStack } = await import('../verify-model.ts');
    const { stack } = await resolveFor(context, options);
    return verifyForStack(context, stack, args[0] ?? null, options);
  },
};
