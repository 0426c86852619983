import type { PythonNode } from '../python/parser.ts';
import { withPython } from '../python/parser.ts';
import { matchesPattern } from '../python/pattern.ts';
import { lineEnding, ownIndent } from '../python/text.ts';
import type { EditOf } from '../schema.ts';
import { type EditScope, isJudgement, type Judgement, onlyOne, refuse, search } from './judgement.ts';

/** Adds an element to the one list, set or tuple of the scope that holds the named elements. */
export function judgeAddToCollection(scope: EditScope, edit: EditOf<'add-to-collection'>): Judgement {
  const isElement = (node: PythonNode, pattern: string): boolean =>
    withPython(scope.parser, pattern, (root) => matchesPattern(root, node));
  const holds = (node: PythonNode, pattern: string): boolean =>
    elements(node).some((element) => isElement(element, pattern));
  const anchor = `collection holding ${edit.holding.join(', ')}`;
  const candidates = scope.node
    .descendantsOfType(['list', 'set', 'tuple'])
    .filter(
      (node): node is PythonNode => node !== null && edit.holding.every((wanted) => holds(node, wanted)),
    );
  const target = onlyOne(scope, anchor, candidates);
  if (isJudgement(target)) return target;
  const { within } = edit;
  if (within !== undefined && !search(scope, within).some((use) => isOperand(target, use))) {
    return refuse(anchor, `is not used as ${within}`, target.parent?.text ?? target.text);
  }
  if (holds(target, edit.add)) return { state: 'present', why: `the collection holds ${edit.add}` };
  const all = elements(target);
  const { after } = edit;
  const behind =
    (after === undefined ? undefined : all.find((element) => isElement(element, after))) ?? all.at(-1);
  if (behind === undefined) return refuse(anchor, 'is empty', target.text);
  const indent = ownIndent(scope.text, behind);
  const isOnePerLine = indent !== null && behind.startPosition.row !== target.startPosition.row;
  const glue = isOnePerLine ? `,${lineEnding(scope.text)}${indent}` : ', ';
  return {
    state: 'needed',
    splices: [{ start: behind.endIndex, end: behind.endIndex, text: glue + edit.add }],
  };
}

/** True where the expression is made of the collection itself, not of something around it. */
function isOperand(collection: PythonNode, use: PythonNode): boolean {
  let outer = collection.parent;
  while (outer?.type === 'parenthesized_expression') outer = outer.parent;
  return outer?.id === use.id;
}

const elements = (collection: PythonNode): PythonNode[] =>
  collection.namedChildren.filter((child): child is PythonNode => child !== null && child.type !== 'comment');
