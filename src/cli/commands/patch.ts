import { resolve } from 'node:path';
import { StepError } from '../../lib/index.ts';
import type { Series } from '../../patch/index.ts';
import type { CommandSpec, Context } from '../context.ts';
import { renderTable } from '../table.ts';

const patchRooms = () => import('../../patch/index.ts');

export const patchListCommand: CommandSpec = {
  name: 'patch list',
  summary: 'the shipped patches and those added: what each changes, upstream link, releases that need it',
  examples: ['stepctl patch list', 'stepctl patch list --json'],
  run: async (context) => {
    const { loadKnownSeries } = await patchRooms();
    const { patches } = await loadKnownSeries(context.env);
    const rows = patches.map((patch) => ({
      id: patch.id,
      kind: patch.definition.kind,
      title: patch.definition.title,
      range: patch.definition.range,
      upstream: patch.definition.upstream?.url ?? null,
      optional: patch.definition.optional,
      origin: patch.origin,
      testOnly: patch.definition.kind === 'plugin' && patch.definition.testOnly,
      hash: patch.hash,
    }));
    if (context.json) return context.out.json({ schema: 'stepctl/patches/1', patches: rows });
    const width = context.out.isTty ? context.out.width : 200;
    context.out.line(
      renderTable(
        ['patch', 'kind', 'needed by vLLM', 'what it does'],
        rows.map((row) => [
          row.id,
          [row.kind, ...(row.testOnly ? ['test only'] : []), ...(row.optional ? ['optional'] : [])].join(
            ', ',
          ),
          row.range,
          row.title,
        ]),
        width,
      ),
    );
    for (const row of rows) if (row.upstream !== null) context.out.line(`  ${row.id}: ${row.upstream}`);
  },
};

const applyOptions = [
  {
    flags: '--to <dir>',
    description: 'folder that holds `vllm/`: a checkout, an unpacked wheel, site-packages',
  },
  {
    flags: '--release <version>',
    description: 'vLLM release of that folder, where it does not say so itself',
  },
  {
    flags: '--only <id>',
    description: 'only this patch; without it, every one that is not optional',
    many: true,
  },
] as const;

interface Tree {
  readonly folder: string;
  readonly series: Series;
  readonly ids: readonly string[];
  readonly version: string | undefined;
}

async function readTree(context: Context, options: Readonly<Record<string, unknown>>): Promise<Tree> {
  const to = options['to'] as string | undefined;
  if (to === undefined)
    throw new StepError('STEP_USAGE', {
      verdict: '--to DIR is needed',
      reason: 'a tree that holds `vllm/` has to be named',
      next: 'stepctl patch apply --to ./site-packages',
    });
  const { defaultPatches, loadKnownSeries } = await patchRooms();
  const series = await loadKnownSeries(context.env);
  return {
    folder: resolve(to),
    series,
    ids: (options['only'] as string[] | undefined) ?? defaultPatches(series),
    version: options['release'] as string | undefined,
  };
}

export const patchApplyCommand: CommandSpec = {
  name: 'patch apply',
  summary: 'patch any tree that holds vllm/; a second run changes nothing, --undo restores',
  options: [
    ...applyOptions,
    { flags: '--dry-run', description: 'say what would change; write nothing' },
    { flags: '--undo', description: 'put the original files back' },
  ],
  examples: [
    'stepctl patch apply --to ./venv/lib/python3.12/site-packages',
    'stepctl patch apply --to ./vllm-0.16.0 --dry-run',
    'stepctl patch apply --to ./vllm-0.16.0 --undo',
  ],
  run: async (context, _args, options) => {
    const tree = await readTree(context, options);
    const rooms = await patchRooms();
    if (options['undo'] === true) {
      const restored = await rooms.restoreDirectory(tree.folder);
      if (context.json) context.out.json({ schema: 'stepctl/patch-undo/1', folder: tree.folder, restored });
      else
        context.out.line(
          restored.length === 0
            ? 'nothing to undo: stepctl has changed nothing here'
            : `restored ${restored.join(', ')}`,
        );
      return;
    }
    const input = { series: tree.series, ids: tree.ids, folder: tree.folder };
    const plan = await rooms.planDirectory(
      tree.version === undefined ? input : { ...input, version: tree.version },
    );
    if (options['dryRun'] !== true) {
      // What became of every patch is told before the one in conflict stops it all.
      const hasConflict = plan.patches.some((patch) => patch.outcome === 'conflict');
      if (hasConflict && !context.json) showPlan(context, plan, tree.folder, true);
      rooms.refuseConflicts(plan);
      await rooms.applyToDirectory(tree.folder, plan);
    }
    return showPlan(context, plan, tree.folder, options['dryRun'] === true);
  },
};

type SeriesPlan = Awaited<ReturnType<Awaited<ReturnType<typeof patchRooms>>['planDirectory']>>;

function showPlan(context: Context, plan: SeriesPlan, folder: string, isDry: boolean): number {
  const conflicts = plan.patches.filter((patch) => patch.outcome === 'conflict');
  if (context.json) {
    const patches = plan.patches.map(({ id, outcome, reason, hash, edits, problems }) => ({
      id,
      outcome,
      reason,
      hash,
      edits,
      problems,
    }));
    context.out.json({
      schema: 'stepctl/patch-apply/1',
      folder,
      vllm: plan.version,
      isDry,
      patches,
      files: plan.files.map((file) => ({
        path: file.path,
        before: file.before.sha256,
        after: file.after.sha256,
      })),
    });
    return conflicts.length > 0 ? 4 : 0;
  }
  for (const patch of plan.patches) {
    context.out.line(`${patch.id} on vLLM ${plan.version}: ${patch.outcome} — ${patch.reason}`);
    for (const edit of patch.edits)
      context.out.line(`  ${edit.state.padEnd(9)} ${edit.id}  ${edit.file ?? ''}`);
    for (const problem of patch.problems)
      context.out.line(`  conflict  ${problem.anchor}: ${problem.problem} (${problem.file})`);
  }
  for (const file of plan.files)
    context.out.line(
      `  ${isDry ? 'would change' : 'changed'} ${file.path}  ${file.before.sha256.slice(0, 12)} → ${file.after.sha256.slice(0, 12)}`,
    );
  return conflicts.length > 0 ? 4 : 0;
}

export const patchVerifyCommand: CommandSpec = {
  name: 'patch verify',
  summary: 'are the patched files still as they were left? of a tree, or of what the stack is built from',
  readsStack: true,
  options: [
    {
      flags: '--to <dir>',
      description: 'folder that holds `vllm/`; without it, the environment or image of the stack',
    },
  ],
  examples: ['stepctl patch verify', 'stepctl patch verify --to ./site-packages --json'],
  run: async (context, _args, options) => {
    const to = options['to'] as string | undefined;
    if (to === undefined) {
      const { verifyStackBuild } = await import('../verify-build.ts');
      return verifyStackBuild(context, options);
    }
    const { directoryTree, readRecord, verifySeries } = await patchRooms();
    const folder = resolve(to);
    const record = await readRecord(folder);
    if (record === null)
      throw new StepError('STEP_PATCH_TREE', {
        verdict: `stepctl has patched nothing in ${folder}`,
        reason: 'there is no record of it',
        next: `stepctl patch apply --to ${to}`,
      });
    const files = record.files.map((file) => ({ path: file.path, sha256: file.after }));
    const result = await verifySeries({ files, tree: directoryTree(folder) });
    if (context.json)
      context.out.json({
        schema: 'stepctl/patch-verify/1',
        folder,
        vllm: record.vllm,
        patches: record.patches,
        ...result,
      });
    else {
      context.out.line(
        result.ok
          ? `all ${result.files.length} patched files are as they were left`
          : 'patched files are not as they were left',
      );
      for (const file of result.files) context.out.line(`  ${file.status.padEnd(8)} ${file.path}`);
    }
    return result.ok ? 0 : 4;
  },
};
