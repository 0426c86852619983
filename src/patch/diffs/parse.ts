import { parsePatch, type StructuredPatch } from 'diff';
import { StepError } from '../../lib/index.ts';
import { splitLines } from './lines.ts';

/** One hunk: the lines it takes away with their context, and what stands there afterwards. */
export interface DiffHunk {
  /** Number within its file, from 1. */
  readonly number: number;
  /** Line at which it stood in the file it was made of, from 1. */
  readonly line: number;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** What a unified diff does to one file. */
export interface DiffFile {
  readonly path: string;
  readonly isNew: boolean;
  /** Start of git's own hash of the file it was made of, where the diff says it. */
  readonly blob: string | null;
  readonly hunks: readonly DiffHunk[];
}

/** What a diff says of a file, before anything is decided on it. */
export interface DiffEntry {
  readonly from: string;
  readonly to: string;
  readonly change: 'changed' | 'added' | 'deleted' | 'renamed' | 'mode' | 'binary' | 'link';
  readonly patch: StructuredPatch;
}

const wanted = /^vllm\/(?!.*(?:^|\/)\.{1,2}(?:\/|$))[\w./+-]+\.(?:py|json|jinja)$/;
const linkModes = new Set(['120000', '160000']);

/**
 * Reads a unified diff, of git or of `diff -u`, with line ends of either kind. Throws STEP_PATCH_DIFF for text that is
 * none. Names are as the diff has them, without `a/` and `b/`.
 */
export function readDiff(text: string, where: string): DiffEntry[] {
  let parsed: StructuredPatch[];
  try {
    parsed = parsePatch(text.replaceAll('\r\n', '\n'));
  } catch (cause) {
    throw diffError(where, cause instanceof Error ? cause.message : String(cause), cause);
  }
  const entries = parsed.filter((patch) => patch.oldFileName !== undefined || patch.hunks.length > 0);
  if (entries.length === 0) throw diffError(where, 'there is no file and no hunk in it');
  return entries.map((patch) => {
    const from = plainName(patch.oldFileName ?? '', patch);
    const to = plainName(patch.newFileName ?? '', patch);
    return { from, to, change: changeOf(patch, from, to), patch };
  });
}

/** Every file of a diff that is meant for vLLM's package. Throws STEP_PATCH_DIFF naming the file that cannot be one. */
export function parseDiff(text: string, where: string): DiffFile[] {
  const blobs = blobsOf(text);
  const files = readDiff(text, where).map((entry) => {
    refuseUnfit(entry, where);
    const hunks = entry.patch.hunks.map((hunk, index) => ({
      number: index + 1,
      line: hunk.oldStart,
      before: sideOf(hunk.lines, '-'),
      after: sideOf(hunk.lines, '+'),
    }));
    return { path: entry.to, isNew: entry.change === 'added', blob: blobs.get(entry.to) ?? null, hunks };
  });
  const twice = files.find((file, index) => files.findIndex((other) => other.path === file.path) !== index);
  if (twice !== undefined) throw diffError(where, `${twice.path} is there twice`);
  return files;
}

/** Why a diff's file may not be applied, or null. Pure; `patch add` asks it before anything is written. */
export function unfitReason({ from, to, change, patch }: DiffEntry): string | null {
  const path = to === '/dev/null' ? from : to;
  if (change === 'deleted') return `it deletes ${path}`;
  if (change === 'link') return `${path} is a symbolic link or a submodule in it`;
  if (!wanted.test(path)) return `${path} is no module inside vllm/`;
  if (change === 'renamed') return `it moves ${from} to ${to}`;
  if (change === 'binary') return `it changes ${path} as a binary file`;
  if (change === 'mode' || patch.hunks.length === 0) return `it holds no hunk for ${path}`;
  const bare = patch.hunks.findIndex((hunk) => hunk.oldLines === 0);
  if (change !== 'added' && bare !== -1) {
    return `hunk ${bare + 1} of ${path} has no line of context, so nothing tells its place`;
  }
  return null;
}

function refuseUnfit(entry: DiffEntry, where: string): void {
  const reason = unfitReason(entry);
  if (reason !== null) throw diffError(where, reason);
}

/** git's prefixes are no part of the name; a diff without them is read as it is. */
function plainName(name: string, patch: StructuredPatch): string {
  const hasPrefixes = [patch.oldFileName, patch.newFileName].every(
    (one) => one === undefined || one === '/dev/null' || /^[ab]\//.test(one),
  );
  return hasPrefixes && name !== '/dev/null' ? name.slice(2) : name;
}

function changeOf(patch: StructuredPatch, from: string, to: string): DiffEntry['change'] {
  if ([patch.oldMode, patch.newMode].some((mode) => mode !== undefined && linkModes.has(mode))) return 'link';
  if (patch.isBinary === true) return 'binary';
  if (patch.isDelete === true || to === '/dev/null') return 'deleted';
  if (patch.isCreate === true || from === '/dev/null') return 'added';
  if (patch.isRename === true || patch.isCopy === true || from !== to) return 'renamed';
  return patch.hunks.length === 0 ? 'mode' : 'changed';
}

/** One side of a hunk as lines; `\ No newline at end of file` takes the end of the line before it. */
function sideOf(lines: readonly string[], sign: '-' | '+'): string[] {
  const side: string[] = [];
  lines.forEach((line, index) => {
    if (line.startsWith('\\') || (!line.startsWith(' ') && !line.startsWith(sign) && line !== '')) return;
    const isLast = lines[index + 1]?.startsWith('\\') === true;
    side.push(line.slice(1) + (isLast ? '' : '\n'));
  });
  return side;
}

/** `index 1234567..89abcde 100644`: the parser passes over it. */
function blobsOf(text: string): Map<string, string> {
  const blobs = new Map<string, string>();
  let path = '';
  for (const line of splitLines(text)) {
    path = /^diff --git a\/\S+ b\/(\S+)\n$/.exec(line)?.[1] ?? path;
    const blob = /^index ([0-9a-f]{7,40})\.\./.exec(line)?.[1];
    if (blob !== undefined && path !== '') blobs.set(path, blob);
  }
  return blobs;
}

const diffError = (where: string, reason: string, cause?: unknown): StepError =>
  new StepError('STEP_PATCH_DIFF', {
    verdict: `${where} cannot be used as a patch`,
    reason,
    next: 'take a unified diff that only changes or adds modules inside vllm/; anything else as edits or as a plugin (see ARCHITECTURE.md, how to add a patch)',
    cause,
  });
