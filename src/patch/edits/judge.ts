import { type Parser, type PythonNode, withPython } from '../python/parser.ts';
import { findMatches } from '../python/pattern.ts';
import { describeScopes, findScopes } from '../python/scope.ts';
import { applySplices, excerpt } from '../python/text.ts';
import type { Condition, Edit } from '../schema.ts';
import type { AnchorProblem, EditPlan, SourceTree } from '../types.ts';
import { judgeAddKeywordArgument } from './add-keyword-argument.ts';
import { judgeAddToCollection } from './add-to-collection.ts';
import { judgeInsertStatements } from './insert-statements.ts';
import type { EditScope, Judgement } from './judgement.ts';
import { judgeMoveStatement } from './move-statement.ts';

/** What an edit comes to on a tree: the plan line, the file's new text where work is needed, the refusal where it cannot be done. */
export interface EditResult {
  readonly plan: EditPlan;
  readonly change: { readonly path: string; readonly text: string } | null;
  readonly problem: AnchorProblem | null;
}

interface Located {
  readonly path: string;
  readonly text: string;
}

/** Judges one edit against the tree: needed (with the new text), present already, or in conflict. Changes nothing. */
export async function judgeEdit(parser: Parser, edit: Edit, tree: SourceTree): Promise<EditResult> {
  const located = await locate(parser, edit, tree);
  const present = await findPresent(parser, edit, 'problem' in located ? null : located, tree);
  if (present !== null) return present;
  if ('problem' in located)
    return refused(edit, located.file, located.problem, located.found, scopeName(edit));
  const judgement = withScope(parser, edit, located.text, (node) =>
    judge({ parser, text: located.text, node }, edit),
  );
  if (judgement.state === 'conflict') {
    return refused(edit, located.path, judgement.problem, judgement.found, judgement.anchor);
  }
  if (judgement.state === 'present') return result(edit, 'present', located.path, judgement.why);
  const text = applySplices(located.text, judgement.splices);
  const stillPython = withPython(parser, text, (root) => !root.hasError);
  if (!stillPython)
    return refused(edit, located.path, 'gives a file that is not Python', '', scopeName(edit));
  return { ...result(edit, 'needed', located.path, edit.why), change: { path: located.path, text } };
}

function judge(scope: EditScope, edit: Edit): Judgement {
  switch (edit.op) {
    case 'add-to-collection':
      return judgeAddToCollection(scope, edit);
    case 'move-statement':
      return judgeMoveStatement(scope, edit);
    case 'add-keyword-argument':
      return judgeAddKeywordArgument(scope, edit);
    case 'insert-statements':
      return judgeInsertStatements(scope, edit);
  }
}

/** Finds the one candidate module that holds the one scope. */
async function locate(
  parser: Parser,
  edit: Edit,
  tree: SourceTree,
): Promise<Located | { readonly file: string; readonly problem: string; readonly found: string }> {
  const hits: Located[] = [];
  const files: string[] = [];
  const inside: string[] = [];
  for (const path of edit.modules) {
    const text = await tree.read(path);
    if (text === null) continue;
    files.push(path);
    const { scopes, hasError, found } = withPython(parser, text, (root) => ({
      scopes: findScopes(root, edit).length,
      hasError: root.hasError,
      found: describeScopes(root, edit),
    }));
    if (hasError)
      return { file: path, problem: 'stands in a file that is not readable as Python', found: '' };
    if (scopes > 1) return { file: path, problem: `is there ${scopes} times`, found };
    inside.push(found);
    if (scopes === 1) hits.push({ path, text });
  }
  const [only] = hits;
  if (only !== undefined && hits.length === 1) return only;
  if (only !== undefined) {
    return {
      file: hits.map((hit) => hit.path).join(', '),
      problem: 'is there in more than one file',
      found: '',
    };
  }
  const file = files.length > 0 ? files.join(', ') : edit.modules.join(', ');
  return {
    file,
    problem: files.length > 0 ? 'is not there' : 'cannot be looked for: no such file',
    found: inside.join('; '),
  };
}

function withScope<T>(parser: Parser, edit: Edit, text: string, use: (node: PythonNode) => T): T {
  return withPython(parser, text, (root) => use(findScopes(root, edit)[0] ?? root));
}

/** The change in the tree's own words; where the edit's module is gone, conditions on other modules still tell. */
async function findPresent(
  parser: Parser,
  edit: Edit,
  located: Located | null,
  tree: SourceTree,
): Promise<EditResult | null> {
  for (const conditions of edit.already) {
    if (!(await holdsAll(parser, edit, conditions, located, tree))) continue;
    const file = located?.path ?? conditions.find((one) => one.in !== undefined)?.in ?? null;
    return result(edit, 'present', file, `the tree has it by itself (${describe(conditions)})`);
  }
  return null;
}

async function holdsAll(
  parser: Parser,
  edit: Edit,
  conditions: readonly Condition[],
  located: Located | null,
  tree: SourceTree,
): Promise<boolean> {
  for (const condition of conditions) {
    const pattern = condition.has ?? condition.lacks ?? '';
    let text = located?.text ?? null;
    if (condition.in !== undefined) text = await tree.read(condition.in);
    if (text === null) return false;
    const count = withPython(parser, text, (root) => {
      const scope = condition.in === undefined ? (findScopes(root, edit)[0] ?? root) : root;
      return withPython(parser, pattern, (wanted) => findMatches(scope, wanted).length);
    });
    if (count > 0 !== (condition.has !== undefined)) return false;
  }
  return true;
}

const describe = (conditions: readonly Condition[]): string =>
  conditions
    .map((one) => (one.has === undefined ? `no ${firstLine(one.lacks ?? '')}` : firstLine(one.has)))
    .join('; ');

const firstLine = (text: string): string => text.trim().split('\n')[0] ?? '';

function scopeName(edit: Edit): string {
  const parts = [edit.class?.join(' or '), edit.function].filter((part) => part !== undefined);
  return parts.length === 0 ? 'the module' : parts.join('.');
}

function result(edit: Edit, state: EditPlan['state'], file: string | null, why: string): EditResult {
  return { plan: { id: edit.id, op: edit.op, state, file, why }, change: null, problem: null };
}

function refused(edit: Edit, file: string, problem: string, found: string, anchor: string): EditResult {
  const inScope = anchor === scopeName(edit) ? anchor : `${anchor.trim()} in ${scopeName(edit)}`;
  return {
    plan: { id: edit.id, op: edit.op, state: 'conflict', file, why: `${inScope} ${problem}` },
    change: null,
    problem: { edit: edit.id, anchor: inScope, file, problem, found: excerpt(found) },
  };
}
