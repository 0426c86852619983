import type { CommandSpec } from '../context.ts';

export const pullCommand: CommandSpec = {
  name: 'pull',
  summary: 'download a model and prove every byte; a stopped pull goes on where it was',
  args: [{ name: '[repo]', description: 'OWNER/NAME; the stack says which by default' }],
  readsStack: true,
  streams: true,
  options: [
    { flags: '--revision <rev>', description: 'branch, tag, refs/pr/N or commit' },
    { flags: '--include <pattern>', description: 'only files that match, e.g. "*.safetensors"', many: true },
    { flags: '--exclude <pattern>', description: 'no file that matches', many: true },
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
