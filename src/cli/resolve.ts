import type { ResolvedStack } from '../stack/index.ts';
import type { GpuFacts } from '../doctor/index.ts';
import type { Context, Options } from './context.ts';

/** The stack that a command line means: profile, file, environment, --set and the short flags. */
export async function resolveFor(
  context: Context,
  options: Options,
  extraArgs: readonly string[] = [],
  /** Where the GPUs are being looked for already: nvidia-smi may take seconds. */
  findGpus?: () => Promise<readonly GpuFacts[]>,
): Promise<ResolvedStack> {
  const { resolveStack } = await import('../stack/index.ts');
  const profile = options['profile'] as string | undefined;
  const sets = [...((options['set'] as string[] | undefined) ?? [])];
  if (options['engine'] !== undefined) sets.push(`engine.driver=${String(options['engine'])}`);
  if (options['listen'] !== undefined) sets.push(`proxy.listen=${String(options['listen'])}`);
  return resolveStack({
    ...(profile === undefined ? {} : { profile }),
    file: (options['file'] as string | undefined) ?? null,
    cwd: context.cwd,
    env: context.env,
    sets,
    flags: {},
    extraArgs: [...extraArgs],
    pickProfile: async () => {
      const { detectGpus, pickProfile } = await import('../doctor/index.ts');
      return pickProfile({ gpus: await (findGpus ?? (() => detectGpus(context.env)))() });
    },
  });
}
