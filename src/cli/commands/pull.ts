import { StepError } from '../../lib/index.ts';
import type { CommandSpec } from '../context.ts';

export const pullCommand: CommandSpec = {
  name: 'pull',
  summary: 'download a model and prove every byte; a stopped pull goes on where it was',
  args: [{ name: '[repo]', description: 'OWNER/NAME; the stack says which by default' }],
  readsStack: true,
  streams: true,
  options: [
    { flags: '--revision <rev>', description: 'branch, tag or commit' },
    { flags: '--include <pattern>', description: 'only files that match, e.g. "*.safetensors"', many: true },
    { flags: '--max-connections <count>', description: 'parallel requests at most' },
  ],
  examples: [
    'stepctl pull',
    'stepctl pull tacos4me/Step-3.5-Flash-NVFP4',
    'stepctl pull --profile tiny-cpu --json',
  ],
  run: async (context, args, options) => {
    const { resolveFor } = await import('../resolve.ts');
    const { pullForStack } = await import('../pull-model.ts');
    const { stack } = await resolveFor(context, options);
    await pullForStack(context, stack, args[0] ?? null, options);
  },
};

export const verifyCommand: CommandSpec = {
  name: 'verify',
  summary: 'is the model on disk what the hub has? by size and headers, or by every hash',
  args: [{ name: '[repo]', description: 'OWNER/NAME; the stack says which by default' }],
  readsStack: true,
  options: [
    { flags: '--quick', description: 'sizes, safetensors headers and index (default)' },
    { flags: '--full', description: 'every hash, at disk speed' },
    { flags: '--revision <rev>', description: 'branch, tag or commit' },
  ],
  examples: ['stepctl verify', 'stepctl verify --full', 'stepctl verify --profile tiny-cpu --full --json'],
  run: async (context, args, options) => {
    if (options['quick'] === true && options['full'] === true) {
      throw new StepError('STEP_USAGE', {
        verdict: '--quick and --full exclude each other',
        next: 'stepctl verify --full',
      });
    }
    const { resolveFor } = await import('../resolve.ts');
    const { verifyForStack } = await import('../pull-model.ts');
    const { stack } = await resolveFor(context, options);
    return verifyForStack(context, stack, args[0] ?? null, options);
  },
};
