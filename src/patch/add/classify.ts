import { type DiffEntry, readDiff, unfitReason } from '../diffs/parse.ts';

export type FileClass = 'module' | 'native' | 'test' | 'docs' | 'dependencies' | 'other';

/** Rules in order; the first that fits decides. */
const rules: readonly [RegExp, FileClass][] = [
  [/^(tests?|benchmarks|\.buildkite|\.github)\//, 'test'],
  [/^(docs|examples)\//, 'docs'],
  [/^requirements|^pyproject\.toml$|^setup\.py$/, 'dependencies'],
  [/^(csrc|cmake|rust)\//, 'native'],
  [/(^|\/)CMakeLists\.txt$|\.(cu|cuh|c|cc|cpp|h|hpp|rs|pyx|so)$/, 'native'],
  [/^vllm\/.*\.(py|json|jinja)$/, 'module'],
  [/\.(md|rst)$/, 'docs'],
];

/** What a file of a pull request is to an installed vLLM. */
export const classifyFile = (path: string): FileClass =>
  rules.find(([form]) => form.test(path))?.[1] ?? 'other';

export interface Sorted {
  /** The diff of the run-time modules alone, as it was. */
  readonly text: string;
  readonly kept: readonly string[];
  readonly leftOut: readonly { readonly path: string; readonly kind: FileClass }[];
  readonly native: readonly string[];
  /** Why a module cannot be patched by a diff, one sentence each. */
  readonly unfit: readonly string[];
}

/** Sorts a pull request's diff by what a patch of an installed vLLM can carry. Throws STEP_PATCH_DIFF. */
export function sortDiff(text: string, where: string): Sorted {
  const kept: string[] = [];
  const leftOut: { path: string; kind: FileClass }[] = [];
  const native: string[] = [];
  const unfit: string[] = [];
  const sections: string[] = [];
  for (const section of text.split(/^(?=diff --git )/m)) {
    if (!section.startsWith('diff --git ')) continue;
    const [entry] = readDiff(section, where);
    if (entry === undefined) continue;
    const path = pathOf(entry);
    const kind = strongest(classifyFile(entry.from), classifyFile(path));
    if (kind === 'native') native.push(path);
    else if (kind !== 'module') leftOut.push({ path, kind });
    else {
      const reason = unfitReason(entry);
      if (reason !== null) unfit.push(reason);
      kept.push(path);
      sections.push(section);
    }
  }
  return { text: sections.join(''), kept, leftOut, native, unfit };
}

const pathOf = (entry: DiffEntry): string => (entry.to === '/dev/null' ? entry.from : entry.to);

/** A file moved from one kind to another counts as the one that matters more. */
const strongest = (from: FileClass, to: FileClass): FileClass =>
  (['native', 'module'] as const).find((kind) => kind === from || kind === to) ?? to;
