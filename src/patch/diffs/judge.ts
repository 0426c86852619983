import { createHash } from 'node:crypto';
import { type Parser, preparePython, withPython } from '../python/parser.ts';
import { excerpt, lineEnding } from '../python/text.ts';
import type { AnchorProblem, EditPlan, SourceTree } from '../types.ts';
import { findBlock, splitLines } from './lines.ts';
import type { DiffFile, DiffHunk } from './parse.ts';

/** A file that the diff changes, first text to last. */
export interface DiffChange {
  readonly path: string;
  readonly before: string | null;
  readonly after: string;
}

interface Placed {
  readonly hunk: DiffHunk;
  readonly state: EditPlan['state'];
  /** Index of its first line in the file; -1 in conflict. */
  readonly at: number;
  readonly problem: string;
}

/**
 * Judges every hunk of a diff against the tree; changes nothing. Strict: a hunk's lines must stand in the file exactly,
 * in one place only and in the order of the diff; lines moved up or down are no obstacle, changed context is. A hunk
 * whose result stands there instead is present already.
 */
export async function judgeDiff(files: readonly DiffFile[], tree: SourceTree) {
  const parser = await preparePython();
  const edits: EditPlan[] = [];
  const problems: AnchorProblem[] = [];
  const changes: DiffChange[] = [];
  for (const file of files) {
    const text = await tree.read(file.path);
    const judged = file.isNew ? judgeNew(file, text) : judgeChanged(parser, file, text);
    edits.push(...judged.edits);
    problems.push(...judged.problems);
    if (judged.change !== null) changes.push(judged.change);
  }
  return { edits, problems, changes };
}

interface Judged {
  readonly edits: readonly EditPlan[];
  readonly problems: readonly AnchorProblem[];
  readonly change: DiffChange | null;
}

function judgeNew(file: DiffFile, text: string | null): Judged {
  const wanted = file.hunks.flatMap((hunk) => hunk.after).join('');
  const plan = (state: EditPlan['state'], why: string): EditPlan => ({
    id: `${file.path}, new`,
    op: 'hunk',
    state,
    file: file.path,
    why,
  });
  if (text === null) {
    const change = { path: file.path, before: null, after: wanted };
    return { edits: [plan('needed', 'the file is new')], problems: [], change };
  }
  if (splitLines(text).join('') === wanted) {
    return { edits: [plan('present', 'the file is there as the diff makes it')], problems: [], change: null };
  }
  return refused(
    file,
    [plan('conflict', 'another file of that name is there')],
    [{ what: 'the new file', problem: 'is to be made, but another one of that name is there', found: text }],
  );
}

function judgeChanged(parser: Parser, file: DiffFile, text: string | null): Judged {
  if (text === null) {
    const problem = 'cannot be looked for: no such file';
    return refused(
      file,
      file.hunks.map((hunk) => hunkPlan(file, hunk, 'conflict', problem)),
      file.hunks.map((hunk) => ({ what: hunkName(hunk), problem, found: '' })),
    );
  }
  if (/[^\r]\n/.test(text) && text.includes('\r\n')) {
    return refused(file, [], [{ what: 'the file', problem: 'mixes two kinds of line ends', found: '' }]);
  }
  const lines = splitLines(text);
  const isExact = file.blob !== null && gitBlob(text).startsWith(file.blob);
  const placed = inOrder(file.hunks.map((hunk) => place(hunk, lines, isExact)));
  const edits = placed.map(({ hunk, state, problem }) => hunkPlan(file, hunk, state, problem));
  const bad = placed.filter(({ state }) => state === 'conflict');
  if (bad.length > 0) {
    const problems = bad.map(({ hunk, problem }) => ({
      what: `${hunkName(hunk)} (${firstChange(hunk)})`,
      problem,
      found: lines.slice(Math.max(0, hunk.line - 1), hunk.line + 5).join(''),
    }));
    return refused(file, edits, problems);
  }
  if (placed.every(({ state }) => state === 'present')) return { edits, problems: [], change: null };
  const after = applyHunks(text, lines, placed);
  if (file.path.endsWith('.py') && withPython(parser, after, (root) => root.hasError)) {
    const problem = 'gives a file that is not Python';
    return refused(file, edits, [{ what: 'the diff', problem, found: '' }]);
  }
  return { edits, problems: [], change: { path: file.path, before: text, after } };
}

/** Where a hunk stands: as it was before, or as it leaves it. Where both are read at one place the longer one is meant. */
function place(hunk: DiffHunk, lines: readonly string[], isExact: boolean): Placed {
  const covers = (at: number, size: number, other: number, otherSize: number): boolean =>
    size >= otherSize && other >= at && other + otherSize <= at + size;
  const oldFound = findBlock(lines, hunk.before);
  const newFound = findBlock(lines, hunk.after);
  const oldSize = hunk.before.length;
  const newSize = hunk.after.length;
  const olds = oldFound.filter(
    (at) => newSize < oldSize || !newFound.some((other) => covers(other, newSize, at, oldSize)),
  );
  const news = newFound.filter(
    (at) => oldSize <= newSize || !oldFound.some((other) => covers(other, oldSize, at, newSize)),
  );
  if (isExact && olds.includes(hunk.line - 1)) {
    return { hunk, state: 'needed', at: hunk.line - 1, problem: '' };
  }
  const [old, ...moreOld] = olds;
  const [present, ...moreNew] = news;
  const fail = (problem: string): Placed => ({ hunk, state: 'conflict', at: -1, problem });
  const numbers = (found: readonly number[]): string => found.map((at) => at + 1).join(', ');
  if (old === undefined && present === undefined) return fail('is not there');
  if (old !== undefined && present !== undefined) {
    return fail(
      `is there as before (line ${numbers(olds)}) and as the diff leaves it (line ${numbers(news)})`,
    );
  }
  if (moreOld.length > 0) return fail(`is there ${olds.length} times (lines ${numbers(olds)})`);
  if (moreNew.length > 0) return fail(`is done ${news.length} times (lines ${numbers(news)})`);
  return old === undefined
    ? { hunk, state: 'present', at: present ?? -1, problem: '' }
    : { hunk, state: 'needed', at: old, problem: '' };
}

/** Hunks that changed places would each be right and the file wrong. */
function inOrder(placed: readonly Placed[]): Placed[] {
  let end = 0;
  return placed.map((one) => {
    if (one.state === 'conflict') return one;
    const isBehind = one.at < end;
    end = one.at + (one.state === 'needed' ? one.hunk.before.length : one.hunk.after.length);
    return isBehind ? { ...one, state: 'conflict', at: -1, problem: 'stands above the hunk before it' } : one;
  });
}

function applyHunks(text: string, lines: readonly string[], placed: readonly Placed[]): string {
  const result = [...lines];
  for (const { hunk, state, at } of placed.toReversed()) {
    if (state === 'needed') result.splice(at, hunk.before.length, ...hunk.after);
  }
  const after = result.join('');
  return lineEnding(text) === '\n' ? after : after.replaceAll('\n', '\r\n');
}

interface Refusal {
  readonly what: string;
  readonly problem: string;
  readonly found: string;
}

const refused = (file: DiffFile, edits: readonly EditPlan[], refusals: readonly Refusal[]): Judged => ({
  edits,
  change: null,
  problems: refusals.map(({ what, problem, found }) => ({
    edit: `${file.path}`,
    anchor: what,
    file: file.path,
    problem,
    found: excerpt(found.trimEnd()),
  })),
});

function hunkPlan(file: DiffFile, hunk: DiffHunk, state: EditPlan['state'], problem: string): EditPlan {
  const why = { needed: 'the lines it changes are there', present: 'its result is there', conflict: problem };
  return { id: `${file.path}, ${hunkName(hunk)}`, op: 'hunk', state, file: file.path, why: why[state] };
}

const hunkName = (hunk: DiffHunk): string => `hunk ${hunk.number} at line ${hunk.line}`;

/** The first line that the hunk takes away or adds, to recognise it by. */
function firstChange(hunk: DiffHunk): string {
  const at = hunk.after.findIndex((line, index) => line !== hunk.before[index]);
  return (hunk.after[at] ?? hunk.before[hunk.after.length] ?? '').trim();
}

/** git's name of a file's contents (SHA-1 over a header and the text). */
function gitBlob(text: string): string {
  const data = Buffer.from(text, 'utf8');
  return createHash('sha1').update(`blob ${data.length}\0`).update(data).digest('hex');
}
