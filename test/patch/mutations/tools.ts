import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { type PatchPlan, planSeries, type Series } from '../../../src/patch/index.ts';
import { memoryTree } from '../helpers.ts';
import { sourcePaths, type SourceKey } from './source.ts';

/** What a tool made of a file: its new text, or nothing and why. */
export type Applied = { readonly text: string } | { readonly refused: string; readonly plan?: PatchPlan };

/** The part of the patch that is about one module: the others are no part of such a case. */
export function seriesFor(series: Series, key: SourceKey): Series {
  const patch = series.patches.find((one) => one.id === 'swiglustep-nvfp4-moe');
  if (patch?.definition.kind !== 'edits') throw new Error('the patch is not made of edits');
  const edits = patch.definition.edits.filter((edit) => edit.modules.includes(sourcePaths[key]));
  return { ...series, patches: [{ ...patch, definition: { ...patch.definition, edits } }] };
}

/** The edits of the series, on one file. */
export async function applyEdits(
  series: Series,
  path: string,
  text: string,
  version: string,
): Promise<Applied> {
  const ids = series.patches.map((patch) => patch.id);
  const { patches, files } = await planSeries({ series, ids, version, tree: memoryTree({ [path]: text }) });
  const [plan] = patches;
  if (plan === undefined) throw new Error('no plan');
  if (plan.outcome === 'conflict') return { refused: plan.reason, plan };
  return { text: files[0]?.after.text ?? text };
}

/** A throw-away repository in which the unmutated sources are known, as `git apply --3way` needs them. */
export interface Bench {
  readonly folder: string;
  diff(path: string, before: string, after: string): Promise<string>;
}

const put = async (folder: string, path: string, text: string): Promise<void> => {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
};

const git = (folder: string, args: readonly string[], reject = true) =>
  execa('git', ['-c', 'core.autocrlf=false', '-c', 'gc.auto=0', ...args], {
    cwd: folder,
    reject,
    stripFinalNewline: false,
  });

/** Makes the repository; its diffs carry the names of both states, and three lines of context as usual. */
export async function makeBench(folder: string): Promise<Bench> {
  await git(folder, ['init', '--quiet']);
  return {
    folder,
    diff: async (path, before, after) => {
      await put(folder, path, before);
      await git(folder, ['add', path]);
      await put(folder, path, after);
      const { stdout } = await git(folder, ['diff', '--full-index', '--', path]);
      return stdout;
    },
  };
}

/** GNU patch as it comes: it may move a hunk and forget two lines of context (fuzz 2). */
export async function applyWithPatch(bench: Bench, text: string, diff: string): Promise<Applied> {
  const [source, result, change] = ['source.py', 'result.py', 'change.diff'];
  await writeFile(join(bench.folder, source), text);
  await writeFile(join(bench.folder, change), diff);
  const args = ['--forward', '--silent', '--reject-file=-', `--output=${result}`, source, change];
  const { exitCode, stdout } = await execa('patch', args, { cwd: bench.folder, reject: false });
  if (exitCode !== 0) return { refused: stdout };
  return { text: await readFile(join(bench.folder, result), 'utf8') };
}

/** `git apply --3way` on a file that the index knows as it stands. */
export async function applyWithGit(bench: Bench, path: string, text: string, diff: string): Promise<Applied> {
  await put(bench.folder, path, text);
  await git(bench.folder, ['add', path]);
  await writeFile(join(bench.folder, 'merge.diff'), diff);
  const { exitCode, stderr } = await git(bench.folder, ['apply', '--3way', 'merge.diff'], false);
  if (exitCode !== 0) return { refused: stderr };
  return { text: await readFile(join(bench.folder, path), 'utf8') };
}
