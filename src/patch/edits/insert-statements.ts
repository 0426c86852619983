import { endsItsLine, insertionAbove, lineAfter, lineEnding, ownIndent, reindent } from '../python/text.ts';
import type { EditOf } from '../schema.ts';
import { type EditScope, isJudgement, type Judgement, onlyOne, refuse, search } from './judgement.ts';

/** Puts statements above or below an anchor statement, at its depth. */
export function judgeInsertStatements(scope: EditScope, edit: EditOf<'insert-statements'>): Judgement {
  const anchor = onlyOne(scope, edit.anchor, search(scope, edit.anchor));
  if (isJudgement(anchor)) return anchor;
  const { text } = scope;
  const indent = ownIndent(text, anchor);
  if (indent === null) return refuse(edit.anchor, 'shares its line with another statement', anchor.text);
  const newline = lineEnding(text);
  const code = reindent(edit.code, indent, newline) + (edit.blankLine ? newline : '');
  if (edit.position === 'before') {
    const at = insertionAbove(text, anchor, indent);
    return { state: 'needed', splices: [{ start: at, end: at, text: code }] };
  }
  if (!endsItsLine(text, anchor)) {
    return refuse(edit.anchor, 'shares its line with another statement', anchor.text);
  }
  const at = lineAfter(text, anchor.endIndex);
  const glue = at > 0 && text[at - 1] !== '\n' ? newline : '';
  return { state: 'needed', splices: [{ start: at, end: at, text: glue + code }] };
}
