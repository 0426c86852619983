import { withPython } from '../python/parser.ts';
import { endsItsLine, insertionAbove, lineAfter, lineEnding, ownIndent, reindent } from '../python/text.ts';
import type { EditOf } from '../schema.ts';
import {
  type EditScope,
  isJudgement,
  type Judgement,
  onlyOne,
  refuse,
  refuseUnknownNames,
  search,
} from './judgement.ts';

/** Puts statements above or below an anchor statement, at its depth. */
export function judgeInsertStatements(scope: EditScope, edit: EditOf<'insert-statements'>): Judgement {
  const anchor = onlyOne(scope, edit.anchor, search(scope, edit.anchor));
  if (isJudgement(anchor)) return anchor;
  const refusal = refuseHalfDone(scope, edit.code) ?? refuseUnknownNames(scope, edit.code, anchor);
  if (refusal !== null) return refusal;
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

/**
 * The refusal where a statement of the code stands in the scope in another form: a branch on the same condition, or a
 * variable of the same name (an attribute may be set twice). Beside it the code would be dead, done twice, or take another's variable.
 */
function refuseHalfDone(scope: EditScope, code: string): Judgement | null {
  const patterns = withPython(scope.parser, code, (root) =>
    root.namedChildren.flatMap((statement) => {
      if (statement?.type === 'if_statement') {
        return `if ${statement.childForFieldName('condition')?.text ?? ''}:\n    ...\n`;
      }
      const assignment = statement?.namedChildren[0];
      const left = assignment?.type === 'assignment' ? assignment.childForFieldName('left') : null;
      return left?.type === 'identifier' ? `${left.text} = ANY` : [];
    }),
  );
  for (const pattern of patterns) {
    const [match] = search(scope, pattern);
    if (match !== undefined) return refuse(pattern, 'is there already, in another form', match.text);
  }
  return null;
}
