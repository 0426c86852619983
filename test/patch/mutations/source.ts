import { type PythonNode, preparePython, withPython } from '../../../src/patch/python/parser.ts';
import { directoryTree } from '../../../src/patch/index.ts';
import { releaseSources } from '../../fixtures/vllm-releases.ts';

export type SourceKey = 'cutlass' | 'marlin' | 'tensors' | 'model';

const root = 'vllm/model_executor';
export const sourcePaths: Readonly<Record<SourceKey, string>> = {
  cutlass: `${root}/layers/fused_moe/cutlass_moe.py`,
  marlin: `${root}/layers/fused_moe/fused_marlin_moe.py`,
  tensors: `${root}/layers/quantization/compressed_tensors/compressed_tensors_moe.py`,
  model: `${root}/models/step3p5.py`,
};

/** A stretch of the text, with what a mutation must know of it. */
export interface Part {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** White space before it where it begins its line, else null. */
  readonly indent: string | null;
  /** Texts of the named children, for lists of elements or arguments; empty where one is a comment. */
  readonly items: readonly string[];
  /** Type of the node that holds it. */
  readonly holder: string;
  readonly depth: number;
}

/** A released module with its parts; `near` are the parts of the lines around a changed line. */
export interface Source {
  readonly version: string;
  readonly key: SourceKey;
  readonly path: string;
  readonly text: string;
  /** The module as the series makes it. */
  readonly patched: string;
  readonly parts: readonly Part[];
  readonly changed: readonly number[];
}

/** Reads a released module and takes it apart once; mutations only choose among the parts. */
export async function readSource(
  version: string,
  key: SourceKey,
  patch: (path: string, text: string, version: string) => Promise<string>,
): Promise<Source> {
  const path = sourcePaths[key];
  const text = await directoryTree(await releaseSources(version)).read(path);
  if (text === null) throw new Error(`vLLM ${version} has no ${path}`);
  const patched = await patch(path, text, version);
  const parts = withPython(await preparePython(), text, (node) => partsOf(node, text));
  return { version, key, path, text, patched, parts, changed: changedPlaces(text, patched) };
}

function partsOf(node: PythonNode, text: string): Part[] {
  const parts: Part[] = [];
  const visit = (one: PythonNode, depth: number): void => {
    const before = text.slice(text.lastIndexOf('\n', one.startIndex - 1) + 1, one.startIndex);
    const named = one.namedChildren.filter((child) => child !== null);
    parts.push({
      type: one.type,
      start: one.startIndex,
      end: one.endIndex,
      text: one.text,
      indent: /^ *$/.test(before) ? before : null,
      items: named.some((child) => child.type === 'comment') ? [] : named.map((child) => child.text),
      holder: one.parent?.type ?? '',
      depth,
    });
    for (const child of named) visit(child, depth + 1);
  };
  visit(node, 0);
  return parts;
}

/** Places in the text on whose line or just behind which the series changes something. */
function changedPlaces(text: string, patched: string): number[] {
  const lines = text.split('\n');
  const after = patched.split('\n');
  const places: number[] = [];
  let at = 0;
  let row = 0;
  for (const line of lines) {
    const found = after.indexOf(line, row);
    const isNext = found === row;
    if (!isNext) places.push(at);
    if (found !== -1) row = found + 1;
    at += line.length + 1;
  }
  return places;
}

/** True when a part lies within a few lines of a change: where a diff has its context. */
export const isNear = (source: Source, part: Part): boolean =>
  source.changed.some((place) => part.end >= place - 250 && part.start <= place + 250);
