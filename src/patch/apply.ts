import { chmod, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { StepError, writeFileAtomic } from '../lib/index.ts';
import { sha256 } from './hash.ts';
import { planSeries, refuseConflicts } from './plan.ts';
import { originalTree, type PatchRecord, readRecord, writeRecord } from './record.ts';
import { detectVersion, directoryTree } from './tree.ts';
import type { Series, SeriesPlan } from './types.ts';

export interface ApplyResult {
  /** Files written now. */
  readonly written: readonly string[];
  /** Files that were as they should be. */
  readonly unchanged: readonly string[];
  /** Files put back because the patch that changed them is no longer wanted. */
  readonly restored: readonly string[];
}

export interface PlanDirectoryInput {
  /** Folder that holds `vllm/`. */
  readonly folder: string;
  readonly series: Series;
  readonly ids: readonly string[];
  /** Release; read from the tree when absent. */
  readonly version?: string;
  readonly platform?: 'cpu' | 'cuda';
}

/** Plans on the tree as it was before stepctl, so that a patched tree is planned like a fresh one. */
export async function planDirectory(input: PlanDirectoryInput): Promise<SeriesPlan> {
  const tree = await originalTree(input.folder);
  const version = input.version ?? (await detectVersion(tree, input.folder));
  return planSeries({ ...input, version, tree });
}

/**
 * Makes the tree what the plan says; idempotent. The undo record is written first and each file by rename, so a run
 * cut off at any instant is finished by the next one. A rename also leaves alone what a package cache shares by hard link.
 * Throws STEP_PATCH_ANCHOR for a plan in conflict and STEP_PATCH_CHANGED, before it writes, for a file that is
 * neither as the plan found it nor as it leaves it.
 */
export async function applyToDirectory(folder: string, plan: SeriesPlan): Promise<ApplyResult> {
  refuseConflicts(plan);
  const earlier = await readRecord(folder);
  const current = earlier?.vllm === plan.version ? earlier : null;
  await refuseForeignChanges(folder, plan, current);

  const dropped = (current?.files ?? []).filter((file) =>
    plan.files.every((planned) => planned.path !== file.path),
  );
  const record = recordOf(plan, dropped);
  await writeRecord(folder, record);
  const restored: string[] = [];
  for (const file of dropped) if (await putBack(folder, file)) restored.push(file.path);
  const written: string[] = [];
  const unchanged: string[] = [];
  for (const file of plan.files) {
    const isWritten = await replace(folder, file.path, file.after.sha256, file.after.text);
    (isWritten ? written : unchanged).push(file.path);
  }
  if (dropped.length > 0) await writeRecord(folder, plan.files.length === 0 ? null : recordOf(plan, []));
  return { written, unchanged, restored };
}

/** Puts every file back as it was before stepctl. Throws STEP_PATCH_CHANGED when one was changed by somebody else. */
export async function restoreDirectory(folder: string): Promise<readonly string[]> {
  const record = await readRecord(folder);
  if (record === null) return [];
  await refuseForeignChanges(folder, { version: record.vllm, patches: [], files: [] }, record);
  const restored: string[] = [];
  for (const file of record.files) if (await putBack(folder, file)) restored.push(file.path);
  await writeRecord(folder, null);
  return restored;
}

function recordOf(plan: SeriesPlan, dropped: PatchRecord['files']): PatchRecord | null {
  const files = plan.files.map((file) => ({
    path: file.path,
    isNew: file.isNew,
    before: file.before.sha256,
    after: file.after.sha256,
    original: file.before.text,
  }));
  if (files.length + dropped.length === 0) return null;
  const patches = plan.patches.map(({ id, outcome, hash }) => ({ id, outcome, hash }));
  return { schema: 'stepctl/patch-record/1', vllm: plan.version, patches, files: [...files, ...dropped] };
}

async function refuseForeignChanges(
  folder: string,
  plan: SeriesPlan,
  record: PatchRecord | null,
): Promise<void> {
  const tree = directoryTree(folder);
  const allowed = new Map<string, Set<string>>();
  const mayBeGone = new Set(
    [...plan.files, ...(record?.files ?? [])].filter((file) => file.isNew).map((file) => file.path),
  );
  const allow = (path: string, ...hashes: string[]): void => {
    allowed.set(path, new Set([...(allowed.get(path) ?? []), ...hashes]));
  };
  for (const file of plan.files) allow(file.path, file.before.sha256, file.after.sha256);
  for (const file of record?.files ?? []) {
    const planned = plan.files.find((candidate) => candidate.path === file.path);
    // Planned from something else than the recorded original: the file is not the one stepctl patched.
    if (planned !== undefined && planned.before.sha256 !== file.before) allowed.delete(file.path);
    allow(file.path, file.before, file.after);
  }
  for (const [path, hashes] of allowed) {
    const text = await tree.read(path);
    if (text === null ? mayBeGone.has(path) : hashes.has(sha256(text))) continue;
    throw new StepError('STEP_PATCH_CHANGED', {
      verdict: `${join(folder, path)} is not as stepctl knows it`,
      reason: text === null ? 'the file is gone' : 'somebody changed it after it was patched or planned',
      next: `install vLLM ${plan.version} there again, then run stepctl patch apply --to ${folder}`,
      details: { file: path },
    });
  }
}

type RecordedFile = PatchRecord['files'][number];

/** The file as it was before stepctl; one that a patch made goes. Returns whether anything had to be done. */
async function putBack(folder: string, file: RecordedFile): Promise<boolean> {
  if (!file.isNew) return replace(folder, file.path, file.before, file.original);
  if ((await directoryTree(folder).read(file.path)) === null) return false;
  const absolute = join(folder, file.path);
  await rm(absolute);
  await removeBytecode(absolute);
  return true;
}

/** Writes unless the text stands there already; keeps the mode and removes bytecode that was made of the old text. */
async function replace(folder: string, path: string, wantedSha256: string, text: string): Promise<boolean> {
  const now = await directoryTree(folder).read(path);
  if (now !== null && sha256(now) === wantedSha256) return false;
  const file = join(folder, path);
  if (now === null) await mkdir(dirname(file), { recursive: true });
  const mode = now === null ? 0o644 : (await stat(file)).mode;
  await writeFileAtomic(file, text, mode & 0o7777);
  await chmod(file, mode & 0o7777); // creation went through the umask
  await removeBytecode(file);
  return true;
}

/** Python trusts time and size of the source only; both may agree by chance. */
export async function removeBytecode(file: string): Promise<void> {
  const folder = join(dirname(file), '__pycache__');
  const stem = `${basename(file, '.py')}.`;
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    if (name.startsWith(stem) && name.endsWith('.pyc')) await rm(join(folder, name), { force: true });
  }
}
