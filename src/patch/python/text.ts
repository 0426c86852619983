import type { PythonNode } from './parser.ts';

/** One replacement in a text, in UTF-16 indices. */
export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Applies replacements that do not overlap; the order in which they are given does not matter. */
export function applySplices(text: string, splices: readonly Splice[]): string {
  let result = text;
  for (const splice of splices.toSorted((a, b) => b.start - a.start)) {
    result = result.slice(0, splice.start) + splice.text + result.slice(splice.end);
  }
  return result;
}

/** Line ending of the file, so that an insertion does not mix two kinds. */
export const lineEnding = (text: string): string => (text.includes('\r\n') ? '\r\n' : '\n');

export const lineStart = (text: string, index: number): number => text.lastIndexOf('\n', index - 1) + 1;

/** Index just behind the line break that ends the line of `index`. */
export function lineAfter(text: string, index: number): number {
  const at = text.indexOf('\n', index);
  return at === -1 ? text.length : at + 1;
}

/** White space before a node when nothing else stands before it on its line, else null. */
export function ownIndent(text: string, node: PythonNode): string | null {
  const before = text.slice(lineStart(text, node.startIndex), node.startIndex);
  return /^[ \t]*$/.test(before) ? before : null;
}

/** True when the node ends its line: only white space or a comment follows. */
export function endsItsLine(text: string, node: PythonNode): boolean {
  const rest = text.slice(node.endIndex, lineAfter(text, node.endIndex));
  return /^[ \t]*(#[^\r\n]*)?\r?\n?$/.test(rest);
}

/** Sets the block at another depth: the common indent goes, `indent` comes before every line that is not empty. */
export function reindent(code: string, indent: string, newline: string): string {
  const lines = code
    .replaceAll('\r\n', '\n')
    .replace(/^\n+|\s+$/g, '')
    .split('\n');
  const depths = lines
    .filter((line) => line.trim() !== '')
    .map((line) => /^[ \t]*/.exec(line)?.[0].length ?? 0);
  const common = depths.length === 0 ? 0 : Math.min(...depths);
  return lines.map((line) => (line.trim() === '' ? '' : indent + line.slice(common)) + newline).join('');
}

/** Start of the line on which to insert above a statement: above comment lines of the same depth directly on top of it. */
export function insertionAbove(text: string, node: PythonNode, indent: string): number {
  let at = lineStart(text, node.startIndex);
  while (at > 0) {
    const previous = lineStart(text, at - 1);
    if (!text.startsWith(`${indent}#`, previous)) break;
    at = previous;
  }
  return at;
}

/** A few lines of a source for a message. */
export function excerpt(text: string, maxLines = 6): string {
  const lines = text.split(/\r?\n/);
  return lines.length <= maxLines ? lines.join('\n') : [...lines.slice(0, maxLines), '…'].join('\n');
}
