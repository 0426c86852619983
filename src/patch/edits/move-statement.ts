import type { PythonNode } from '../python/parser.ts';
import {
  endsItsLine,
  insertionAbove,
  lineAfter,
  lineEnding,
  lineStart,
  ownIndent,
  reindent,
} from '../python/text.ts';
import type { EditOf } from '../schema.ts';
import { type EditScope, isJudgement, type Judgement, onlyOne, refuse, search } from './judgement.ts';

/** Takes a statement out of where it stands and makes it the first line of a block of the same scope. */
export function judgeMoveStatement(scope: EditScope, edit: EditOf<'move-statement'>): Judgement {
  const statement = onlyOne(scope, edit.statement, search(scope, edit.statement));
  if (isJudgement(statement)) return statement;
  const block = onlyOne(scope, edit.into, search(scope, edit.into));
  if (isJudgement(block)) return block;
  if (isInside(statement, block)) return { state: 'present', why: 'the statement stands in that block only' };

  const { text } = scope;
  const body = block.childForFieldName('consequence') ?? block.childForFieldName('body');
  const first = body?.namedChildren.find((child) => child !== null && child.type !== 'comment');
  const indent = first === undefined || first === null ? null : ownIndent(text, first);
  if (first === undefined || first === null || indent === null) {
    return refuse(edit.into, 'has no body on lines of its own', block.text);
  }
  if (ownIndent(text, statement) === null || !endsItsLine(text, statement)) {
    return refuse(edit.statement, 'shares its line with another statement', statement.text);
  }
  const from = lineStart(text, statement.startIndex);
  const behind = lineAfter(text, statement.endIndex);
  const moved = reindent(text.slice(from, behind), indent, lineEnding(text));
  const at = insertionAbove(text, first, indent);
  return {
    state: 'needed',
    splices: [
      { start: from, end: behind, text: '' },
      { start: at, end: at, text: moved },
    ],
  };
}

const isInside = (inner: PythonNode, outer: PythonNode): boolean =>
  inner.startIndex >= outer.startIndex && inner.endIndex <= outer.endIndex;
