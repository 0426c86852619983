import type { Parser, PythonNode } from '../python/parser.ts';
import { withPython } from '../python/parser.ts';
import { unknownNames } from '../python/names.ts';
import { findMatches } from '../python/pattern.ts';
import { excerpt, type Splice } from '../python/text.ts';

/** What one edit operation says about one scope. */
export type Judgement =
  | { readonly state: 'needed'; readonly splices: readonly Splice[] }
  | { readonly state: 'present'; readonly why: string }
  | { readonly state: 'conflict'; readonly anchor: string; readonly problem: string; readonly found: string };

/** What an operation works on: the file's text, the node of its class or function, the parser for patterns. */
export interface EditScope {
  readonly parser: Parser;
  readonly text: string;
  readonly node: PythonNode;
}

/** Every place in the scope that the Python pattern describes. */
export function search(scope: EditScope, pattern: string): PythonNode[] {
  return withPython(scope.parser, pattern, (root) => {
    if (root.hasError) throw new Error(`the pattern is not Python: ${pattern}`);
    return findMatches(scope.node, root);
  });
}

export function refuse(anchor: string, problem: string, found: string): Judgement {
  return { state: 'conflict', anchor, problem, found: excerpt(found) };
}

/** The single match of an anchor, or the refusal that names what stands there instead. */
export function onlyOne(
  scope: EditScope,
  anchor: string,
  matches: readonly PythonNode[],
): PythonNode | Judgement {
  const [first, second] = matches;
  if (first === undefined) return refuse(anchor, 'is not there', scope.node.text);
  if (second === undefined) return first;
  const lines = matches.map((match) => match.startPosition.row + 1).join(', ');
  return refuse(anchor, `is there ${matches.length} times (lines ${lines})`, first.text);
}

/** The refusal of code that would use a name which its new surroundings do not know, or null. */
export function refuseUnknownNames(scope: EditScope, code: string, anchor: PythonNode): Judgement | null {
  const [name] = withPython(scope.parser, code, (root) =>
    root.hasError ? [] : unknownNames(root, scope.node),
  );
  if (name === undefined) return null;
  return refuse(name, 'is not there, and the code to be put in uses it', anchor.text);
}

export const isJudgement = (value: PythonNode | Judgement): value is Judgement => 'state' in value;
