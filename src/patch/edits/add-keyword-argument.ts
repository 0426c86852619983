import type { PythonNode } from '../python/parser.ts';
import { withPython } from '../python/parser.ts';
import { matchesPattern } from '../python/pattern.ts';
import { lineEnding, ownIndent } from '../python/text.ts';
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

/** Gives a call a keyword argument. The call pattern may be the call or an assignment of it. */
export function judgeAddKeywordArgument(scope: EditScope, edit: EditOf<'add-keyword-argument'>): Judgement {
  const match = onlyOne(scope, edit.call, search(scope, edit.call));
  if (isJudgement(match)) return match;
  const call = match.type === 'call' ? match : match.childForFieldName('right');
  const argumentList = call?.childForFieldName('arguments');
  if (argumentList === null || argumentList === undefined || argumentList.type !== 'argument_list') {
    return refuse(edit.call, 'is not a call', match.text);
  }
  const given = argumentsOf(argumentList);
  const present = given.find((argument) => keywordName(argument) === edit.name);
  if (present !== undefined) {
    const value = present.childForFieldName('value');
    const isSame =
      value !== null && withPython(scope.parser, edit.value, (root) => matchesPattern(root, value));
    if (isSame) return { state: 'present', why: `the call passes ${edit.name}=${edit.value}` };
    return refuse(edit.call, `already passes another ${edit.name}`, present.text);
  }
  const refusal = refuseUnknownNames(scope, edit.value, match);
  if (refusal !== null) return refusal;
  return { state: 'needed', splices: [placeArgument(scope.text, argumentList, given, edit)] };
}

function placeArgument(
  text: string,
  list: PythonNode,
  given: readonly PythonNode[],
  edit: EditOf<'add-keyword-argument'>,
) {
  const argument = `${edit.name}=${edit.value}`;
  const newline = lineEnding(text);
  const next = given.find((candidate) => keywordName(candidate) === edit.before);
  if (next !== undefined) {
    const indent = ownIndent(text, next);
    const glue = indent === null ? ', ' : `,${newline}${indent}`;
    return { start: next.startIndex, end: next.startIndex, text: argument + glue };
  }
  const last = given.at(-1);
  if (last === undefined) return { start: list.startIndex + 1, end: list.startIndex + 1, text: argument };
  const indent = ownIndent(text, last);
  const glue = indent === null ? ', ' : `,${newline}${indent}`;
  return { start: last.endIndex, end: last.endIndex, text: glue + argument };
}

const argumentsOf = (list: PythonNode): PythonNode[] =>
  list.namedChildren.filter((child): child is PythonNode => child !== null && child.type !== 'comment');

const keywordName = (argument: PythonNode): string | null =>
  argument.type === 'keyword_argument' ? (argument.childForFieldName('name')?.text ?? null) : null;
