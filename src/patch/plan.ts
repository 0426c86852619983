import semver from 'semver';
import { StepError } from '../lib/index.ts';
import { judgeDiff } from './diffs/judge.ts';
import { judgeEdit } from './edits/judge.ts';
import { sha256 } from './hash.ts';
import { preparePython } from './python/parser.ts';
import type { DiffPatchFile, EditsPatchFile, PluginPatchFile } from './schema.ts';
import type {
  AnchorProblem,
  EditPlan,
  Patch,
  PatchOutcome,
  PatchPlan,
  PlannedFile,
  Series,
  SeriesPlan,
  SourceTree,
} from './types.ts';

export interface PlanInput {
  readonly series: Series;
  /** Patches wanted; the series decides their order. */
  readonly ids: readonly string[];
  /** Release of the tree, e.g. `0.16.0`. */
  readonly version: string;
  readonly tree: SourceTree;
  /** What the build runs on; a plugin for another platform is not needed. */
  readonly platform?: 'cpu' | 'cuda';
}

/**
 * Decides for every wanted patch what it comes to on this tree; changes nothing. A conflict is an outcome here (so that
 * a dry run can show it); applying a plan that holds one throws STEP_PATCH_ANCHOR.
 */
export async function planSeries(input: PlanInput): Promise<SeriesPlan> {
  requireKnown(input.series, input.ids);
  const overlay = new Map<string, string>();
  const tree: SourceTree = {
    read: async (path) => overlay.get(path) ?? (await input.tree.read(path)),
  };
  const first = new Map<string, PlannedFile>();
  const patches: PatchPlan[] = [];
  for (const patch of input.series.patches) {
    if (!input.ids.includes(patch.id)) continue;
    const plan = await planUnhidden(patch, { ...input, tree });
    patches.push(plan);
    for (const file of plan.files) {
      if (!first.has(file.path)) first.set(file.path, file);
      overlay.set(file.path, file.after.text);
    }
  }
  const files = [...first.values()].map(({ path, isNew, before }) =>
    plannedFile(path, isNew ? null : before.text, overlay.get(path) ?? before.text),
  );
  return { version: input.version, patches, files };
}

/**
 * Throws STEP_PATCH_ANCHOR for the first patch in conflict, naming anchor, file and what stands there now, or
 * STEP_PATCH_RANGE where the release itself is the reason. What became of the others is in reason and details.
 */
export function refuseConflicts(plan: SeriesPlan): void {
  const bad = plan.patches.filter((patch) => patch.outcome === 'conflict');
  const [patch] = bad;
  if (patch === undefined) return;
  const [problem] = patch.problems;
  const { range } = patch.patch.definition;
  const found = problem === undefined || problem.found === '' ? '' : `; there now: ${problem.found}`;
  const why = problem === undefined ? patch.reason : `${problem.anchor} ${problem.problem}${found}`;
  const others = plan.patches.filter((other) => other !== patch);
  const rest = others.map((other) => `${other.id}: ${other.outcome}`).join(', ');
  throw new StepError(problem === undefined ? 'STEP_PATCH_RANGE' : 'STEP_PATCH_ANCHOR', {
    verdict: `patch ${patch.id} does not fit vLLM ${plan.version}${problem === undefined ? '' : `: ${problem.file}`}`,
    reason: others.length === 0 ? why : `${why}; nothing was changed; the other patches: ${rest}`,
    next: `stepctl patch apply --to DIR --dry-run shows every edit; use a release in the range ${range}, or leave ${patch.id} out`,
    details: {
      patch: patch.id,
      version: plan.version,
      problems: patch.problems,
      patches: plan.patches.map(({ id, outcome, reason }) => ({ id, outcome, reason })),
    },
  });
}

/** Throws STEP_PATCH_UNKNOWN for a name that the series does not hold. */
export function requireKnown(series: Series, ids: readonly string[]): void {
  const known = series.patches.map((patch) => patch.id);
  const unknown = ids.find((id) => !known.includes(id));
  if (unknown === undefined) return;
  throw new StepError('STEP_PATCH_UNKNOWN', {
    verdict: `there is no patch called ${unknown}`,
    reason: `the series holds ${known.join(', ')}`,
    next: 'run stepctl patch list',
  });
}

/** A file that cannot be read is this patch's conflict; what becomes of the others is still told. */
async function planUnhidden(patch: Patch, input: PlanInput): Promise<PatchPlan> {
  try {
    return await planPatch(patch, input);
  } catch (error) {
    if (!(error instanceof StepError) || error.code !== 'STEP_PATCH_TREE') throw error;
    const file = String(error.details['file'] ?? '');
    const problem = { edit: file, anchor: file, file, problem: error.reason ?? error.verdict, found: '' };
    return { ...outline(patch, 'conflict', error.verdict), problems: [problem] };
  }
}

async function planPatch(patch: Patch, input: PlanInput): Promise<PatchPlan> {
  const { definition } = patch;
  switch (definition.kind) {
    case 'plugin':
      return planPlugin(patch, definition, input);
    case 'edits':
      return planEdits(patch, definition, input);
    case 'diff':
      return planDiff(patch, definition, input);
  }
}

function planPlugin(patch: Patch, definition: PluginPatchFile, input: PlanInput): PatchPlan {
  if (definition.platform !== input.platform) {
    return outline(patch, 'not-needed', `a plugin for ${definition.platform} only`);
  }
  if (!inRange(input.version, definition.range)) {
    return outline(patch, 'not-needed', `made for vLLM ${definition.range}, this is ${input.version}`);
  }
  return outline(patch, 'applies', `installed as plugin ${definition.plugin.name}; no file of vLLM changes`);
}

async function planEdits(patch: Patch, definition: EditsPatchFile, input: PlanInput): Promise<PatchPlan> {
  const { reasons, upstream, range } = definition;
  if (isOlder(input.version, range)) return outline(patch, 'not-needed', reasons.older);
  const { edits, files, problems } = await judgeEdits(definition, input.tree);
  const states = new Set(edits.map((edit) => edit.state));
  const where = upstream.since === null ? upstream.url : `vLLM ${upstream.since}, ${upstream.url}`;
  const done = (outcome: PatchOutcome, reason: string): PatchPlan => ({
    ...outline(patch, outcome, reason),
    edits,
    files: outcome === 'applies' ? files : [],
    problems: outcome === 'conflict' ? problems : [],
  });
  if (states.size === 1 && states.has('present')) {
    return done('already-upstream', `${reasons.upstream} (${where}); found in the tree`);
  }
  if (inRange(input.version, range)) {
    if (states.has('conflict')) {
      return done('conflict', `${problems.length} of ${edits.length} edits have lost their anchor`);
    }
    const present = edits.filter((edit) => edit.state === 'present').length;
    const note = present > 0 ? `; ${present} of ${edits.length} edits are there already` : '';
    return done('applies', reasons.needed + note);
  }
  if (states.has('needed')) {
    const missing = edits.filter((edit) => edit.state === 'needed').map((edit) => edit.id);
    const reason = `${reasons.upstream} (${where}), but this tree still lacks ${missing.join(', ')}`;
    return {
      ...done('conflict', reason),
      problems: [...problems, ...missing.map((id) => lacking(edits, id))],
    };
  }
  const reason = `${reasons.upstream} (${where}); this layout is not recognised, so the probe decides`;
  return { ...done('not-needed', reason), isProbed: patch.probe !== null };
}

async function planDiff(patch: Patch, definition: DiffPatchFile, input: PlanInput): Promise<PatchPlan> {
  const { upstream, range } = definition;
  const { edits, problems, changes } = await judgeDiff(patch.diff ?? [], input.tree);
  const done = (outcome: PatchOutcome, reason: string): PatchPlan => ({
    ...outline(patch, outcome, reason),
    edits,
  });
  const present = edits.filter((edit) => edit.state === 'present').length;
  if (present > 0 && present === edits.length) {
    return done('already-upstream', `all of the diff is in the tree already (${upstream.url})`);
  }
  if (upstream.since !== null && semver.gte(release(input.version), release(upstream.since))) {
    const reason = `vLLM has it since ${upstream.since} (${upstream.url}); its lines have changed since then`;
    return { ...done('not-needed', reason), isProbed: patch.probe !== null };
  }
  if (!inRange(input.version, range)) {
    return done(
      'conflict',
      `made for vLLM ${range}; this is ${input.version} and does not have it by itself`,
    );
  }
  if (problems.length > 0) {
    const reason = `${problems.length} of ${edits.length} hunks do not fit`;
    return { ...done('conflict', reason), problems };
  }
  const note = present > 0 ? `; ${present} of ${edits.length} hunks are there already` : '';
  const files = changes.map(({ path, before, after }) => plannedFile(path, before, after));
  return { ...done('applies', `every hunk fits, ${upstream.url}${note}`), files };
}

const lacking = (edits: readonly EditPlan[], id: string): AnchorProblem => ({
  edit: id,
  anchor: id,
  file: edits.find((edit) => edit.id === id)?.file ?? '',
  problem: 'is not in a release that should have it',
  found: '',
});

async function judgeEdits(definition: EditsPatchFile, source: SourceTree) {
  const parser = await preparePython();
  const before = new Map<string, string>();
  const after = new Map<string, string>();
  const tree: SourceTree = { read: async (path) => after.get(path) ?? (await source.read(path)) };
  const edits: EditPlan[] = [];
  const problems: AnchorProblem[] = [];
  for (const edit of definition.edits) {
    const result = await judgeEdit(parser, edit, tree);
    edits.push(result.plan);
    if (result.problem !== null) problems.push(result.problem);
    if (result.change === null) continue;
    const { path, text } = result.change;
    if (!before.has(path)) before.set(path, (await source.read(path)) ?? '');
    after.set(path, text);
  }
  const files = [...before].map(([path, text]) => plannedFile(path, text, after.get(path) ?? text));
  return { edits, files, problems };
}

const plannedFile = (path: string, before: string | null, after: string): PlannedFile => ({
  path,
  isNew: before === null,
  before: { sha256: sha256(before ?? ''), text: before ?? '' },
  after: { sha256: sha256(after), text: after },
});

function outline(patch: Patch, outcome: PatchOutcome, reason: string): PatchPlan {
  const { id, definition, hash } = patch;
  const { title, kind } = definition;
  const isProbed = patch.probe !== null && outcome !== 'not-needed';
  return { id, title, kind, outcome, reason, hash, edits: [], files: [], problems: [], isProbed, patch };
}

/** Development builds count as the release they lead to: 0.16.0rc1 and 0.16.0+cpu are read as 0.16.0. */
function release(version: string): string {
  return semver.coerce(version)?.version ?? '0.0.0';
}

const inRange = (version: string, range: string): boolean => semver.satisfies(release(version), range);
const isOlder = (version: string, range: string): boolean => semver.ltr(release(version), range);
