import { StepError } from '../lib/index.ts';
import { type FilePatterns, formatBytes } from '../model/index.ts';
import type { Stack } from '../stack/schema.ts';
import { retype } from './command-line.ts';
import type { Context, Options } from './context.ts';
import { parseWhole } from './numbers.ts';
import { pullRepository } from './up/model-stage.ts';

/** Repository asked for on the command line, or the stack's; another repository comes from the hub, not from the carried one. */
export function chooseModel(stack: Stack, given: string | null, options: Options): Stack {
  const repo = given ?? stack.model.repo;
  if (repo === null)
    throw new StepError('STEP_USAGE', {
      verdict: 'no repository is named',
      reason: 'neither on the command line nor in the stack',
      next: 'stepctl pull OWNER/NAME',
    });
  const hub =
    given === null || given === stack.model.repo || stack.model.hub !== 'builtin'
      ? stack.model.hub
      : 'default';
  return {
    ...stack,
    model: {
      ...stack.model,
      repo,
      hub,
      revision: (options['revision'] as string | undefined) ?? stack.model.revision,
    },
  };
}

/** `--include` and `--exclude` as the model room takes them. */
export function patternsOf(options: Options): { patterns?: FilePatterns } {
  const allow = options['include'] as string[] | undefined;
  const ignore = options['exclude'] as string[] | undefined;
  if (allow === undefined && ignore === undefined) return {};
  return {
    patterns: { ...(allow === undefined ? {} : { allow }), ...(ignore === undefined ? {} : { ignore }) },
  };
}

export async function pullForStack(
  context: Context,
  stack: Stack,
  given: string | null,
  options: Options,
): Promise<void> {
  const chosen = chooseModel(stack, given, options);
  const repo = chosen.model.repo ?? '';
  const maxConnections = parseWhole(options['maxConnections'], '--max-connections');
  const pulled = await pullRepository(
    { stack: chosen, env: context.env, reporter: context.reporter, signal: context.signal },
    repo,
    {
      ...patternsOf(options),
      resumeCommand: retype(context),
      ...(maxConnections === null ? {} : { maxConnections }),
    },
  );
  if (context.json) context.out.json({ schema: 'stepctl/pull/1', repo, ...pulled });
  else
    context.out.line(
      `verified ${pulled.files} files, ${formatBytes(pulled.bytesTotal)}, commit ${pulled.commit}\n  ${pulled.snapshotDir}`,
    );
}
