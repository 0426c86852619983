import { join, resolve } from 'node:path';
import { dataDir, StepError } from '../lib/index.ts';
import { hubSettings, renderVerify, repairModel, verifyModel, type VerifyReport } from '../model/index.ts';
import type { Stack } from '../stack/schema.ts';
import { retype } from './command-line.ts';
import type { Context, Options } from './context.ts';
import { chooseModel, patternsOf } from './pull-model.ts';
import { pullRepository } from './up/model-stage.ts';

/** A folder on the command line is told from OWNER/NAME by how it begins. */
const folderOf = (context: Context, stack: Stack, given: string | null): string | null => {
  if (given === null) return stack.model.path;
  return /^(\.{0,2}\/|\.{1,2}$)/.test(given) ? resolve(context.cwd, given) : null;
};

const noRepair = (folder: string): StepError =>
  new StepError('STEP_USAGE', {
    verdict: `${folder} is a folder, and only a repository can be repaired`,
    reason: 'a folder does not say where its files came from',
    next: 'stepctl verify OWNER/NAME --repair',
  });

/** Verifies the cache's copy of a repository or a folder, repairs where asked, prints the report; the exit code. */
export async function verifyForStack(
  context: Context,
  stack: Stack,
  given: string | null,
  options: Options,
): Promise<number> {
  const isRepair = options['repair'] === true;
  const isQuick = options['quick'] === true || (options['full'] !== true && !isRepair);
  const mode = isQuick ? ('quick' as const) : ('full' as const);
  const { reporter, signal } = context;
  const settings = { mode, reporter, signal, command: retype(context) };
  const folder = folderOf(context, stack, given);
  if (folder !== null && isRepair) throw noRepair(folder);
  const report =
    folder === null
      ? await verifyCached(context, chooseModel(stack, given, options), options, { ...settings, isRepair })
      : await verifyModel({ ...settings, dir: folder });
  if (context.json) context.out.json(report);
  else context.out.line(renderVerify(report, context.out.width));
  return { ok: 0, bad: 5, inconclusive: 3 }[report.verdict];
}

async function verifyCached(
  context: Context,
  chosen: Stack,
  options: Options,
  {
    isRepair,
    ...settings
  }: Pick<Parameters<typeof verifyModel>[0], 'mode' | 'reporter' | 'signal'> & {
    readonly isRepair: boolean;
  },
): Promise<VerifyReport> {
  const { hub, revision } = chosen.model;
  const repo = chosen.model.repo ?? '';
  const cacheDir = hub === 'builtin' ? join(dataDir(context.env), 'hub') : hubSettings(context.env).cacheDir;
  const found = await verifyModel({ ...settings, repo, revision, cacheDir, ...patternsOf(options) });
  if (!isRepair) return found;
  return repairModel(found, {
    ...settings,
    repo,
    cacheDir,
    pull: (commit, patterns) =>
      pullRepository(
        {
          stack: { ...chosen, model: { ...chosen.model, revision: commit } },
          env: context.env,
          reporter: settings.reporter,
          signal: settings.signal,
        },
        repo,
        { patterns, resumeCommand: retype(context) },
      ),
  });
}
