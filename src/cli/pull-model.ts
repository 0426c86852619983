import { join } from 'node:path';
import { dataDir, StepError } from '../lib/index.ts';
import { formatBytes, hubSettings, renderVerify, verifyModel } from '../model/index.ts';
import type { Stack } from '../stack/schema.ts';
import type { Context, Options } from './context.ts';
import { parseWhole } from './numbers.ts';
import { pullRepository } from './up/model-stage.ts';

/** Repository asked for on the command line, or the stack's; another repository comes from the hub, not from the carried one. */
function choose(stack: Stack, given: string | null, options: Options): Stack {
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

export async function pullForStack(
  context: Context,
  stack: Stack,
  given: string | null,
  options: Options,
): Promise<void> {
  const chosen = choose(stack, given, options);
  const repo = chosen.model.repo ?? '';
  const allow = options['include'] as string[] | undefined;
  const maxConnections = parseWhole(options['maxConnections'], '--max-connections');
  const pulled = await pullRepository(
    { stack: chosen, env: context.env, reporter: context.reporter, signal: context.signal },
    repo,
    {
      ...(allow === undefined ? {} : { patterns: { allow } }),
      ...(maxConnections === null ? {} : { maxConnections }),
    },
  );
  if (context.json) context.out.json({ schema: 'stepctl/pull/1', repo, ...pulled });
  else
    context.out.line(
      `verified ${pulled.files} files, ${formatBytes(pulled.bytesTotal)}, commit ${pulled.commit}\n  ${pulled.snapshotDir}`,
    );
}

export async function verifyForStack(
  context: Context,
  stack: Stack,
  given: string | null,
  options: Options,
): Promise<number> {
  const chosen = choose(stack, given, options);
  const cacheDir =
    chosen.model.hub === 'builtin' ? join(dataDir(context.env), 'hub') : hubSettings(context.env).cacheDir;
  const mode = options['full'] === true ? ('full' as const) : ('quick' as const);
  const common = { mode, reporter: context.reporter, signal: context.signal };
  const report = await verifyModel(
    given === null && stack.model.path !== null
      ? { ...common, dir: stack.model.path }
      : { ...common, repo: chosen.model.repo ?? '', revision: chosen.model.revision, cacheDir },
  );
  if (context.json) context.out.json(report);
  else context.out.line(renderVerify(report));
  return { ok: 0, bad: 5, inconclusive: 3 }[report.verdict];
}
