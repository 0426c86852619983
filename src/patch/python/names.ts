import type { PythonNode } from './parser.ts';

/** Built-in names that code put into a module may call without more ado. */
const builtIn = new Set(
  'self cls abs all any bool dict enumerate float getattr hasattr int isinstance len list max min next print range set setattr sorted str sum super tuple type zip'.split(
    ' ',
  ),
);

/**
 * Names that the code takes from its surroundings and that the scope does not know: neither read nor bound in it, nor
 * bound at the top of the module, nor built in. An attribute of self is told as `self.name` and must occur in the class.
 */
export function unknownNames(code: PythonNode, scope: PythonNode): string[] {
  const own = new Set(variables(code).filter(isTarget).map(textOf));
  const known = new Set([...variables(scope), ...moduleNames(rootOf(scope))].map(textOf));
  const free = variables(code)
    .map(textOf)
    .filter((name) => !own.has(name) && !known.has(name) && !builtIn.has(name));
  const inClass = new Set(selfAttributes(classOf(scope) ?? scope));
  const lost = selfAttributes(code).filter((name) => !inClass.has(name));
  return [...new Set([...free, ...lost.map((name) => `self.${name}`)])];
}

const textOf = (node: PythonNode): string => node.text;

const found = (node: PythonNode, type: string): PythonNode[] =>
  node.descendantsOfType(type).filter((one): one is PythonNode => one !== null);

/** Identifiers that are variables: no attribute behind a dot and no keyword of a call. */
function variables(node: PythonNode): PythonNode[] {
  return found(node, 'identifier').filter((one) => {
    const { parent } = one;
    if (parent?.type === 'attribute') return parent.childForFieldName('attribute')?.id !== one.id;
    if (parent?.type === 'keyword_argument') return parent.childForFieldName('name')?.id !== one.id;
    return true;
  });
}

/** True for what an assignment or a loop binds. */
function isTarget(node: PythonNode): boolean {
  let inner = node;
  for (let { parent } = node; parent !== null; { parent } = parent) {
    if (parent.type === 'assignment' || parent.type === 'for_statement' || parent.type === 'for_in_clause') {
      return parent.childForFieldName('left')?.id === inner.id;
    }
    if (!['pattern_list', 'tuple_pattern', 'list_pattern'].includes(parent.type)) return false;
    inner = parent;
  }
  return false;
}

const bindingStatements = new Set([
  'import_statement',
  'import_from_statement',
  'class_definition',
  'function_definition',
]);

function moduleNames(root: PythonNode): PythonNode[] {
  return root.namedChildren.flatMap((child) => {
    const node = child?.type === 'decorated_definition' ? child.childForFieldName('definition') : child;
    if (node === null || node === undefined) return [];
    if (!bindingStatements.has(node.type)) return variables(node).filter(isTarget);
    const name = node.type.endsWith('_definition') ? node.childForFieldName('name') : null;
    return name === null ? found(node, 'identifier') : [name];
  });
}

const selfAttributes = (node: PythonNode): string[] =>
  found(node, 'attribute').flatMap((one) =>
    one.childForFieldName('object')?.text === 'self' ? (one.childForFieldName('attribute')?.text ?? []) : [],
  );

function rootOf(node: PythonNode): PythonNode {
  let root = node;
  for (let { parent } = node; parent !== null; { parent } = parent) root = parent;
  return root;
}

function classOf(node: PythonNode): PythonNode | null {
  for (let { parent } = node; parent !== null; { parent } = parent) {
    if (parent.type === 'class_definition') return parent;
  }
  return null;
}
