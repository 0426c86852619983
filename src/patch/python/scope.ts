import type { PythonNode } from './parser.ts';

export interface ScopeWanted {
  readonly class?: readonly string[] | undefined;
  readonly function?: string | undefined;
}

/** Every scope in the module that answers to the names: none, one, or more than one (which an edit refuses). */
export function findScopes(root: PythonNode, wanted: ScopeWanted): PythonNode[] {
  let scopes: PythonNode[] = [root];
  if (wanted.class !== undefined) {
    const names = new Set(wanted.class);
    scopes = root
      .descendantsOfType('class_definition')
      .filter((node): node is PythonNode => node !== null && names.has(nameOf(node)));
  }
  const { function: functionName } = wanted;
  if (functionName === undefined) return scopes;
  return scopes.flatMap((scope) => ownFunctions(scope).filter((node) => nameOf(node) === functionName));
}

const nameOf = (node: PythonNode): string => node.childForFieldName('name')?.text ?? '';

/** Functions that belong to the scope itself, decorated or not; those of nested classes and functions do not count. */
function ownFunctions(scope: PythonNode): PythonNode[] {
  const body = scope.type === 'module' ? scope : scope.childForFieldName('body');
  const found: PythonNode[] = [];
  for (const child of body?.namedChildren ?? []) {
    const definition = child?.type === 'decorated_definition' ? child.childForFieldName('definition') : child;
    if (definition?.type === 'function_definition') found.push(definition);
  }
  return found;
}

/** What stands where a scope is looked for: the class's functions where the class is there, else the module's classes or functions. */
export function describeScopes(root: PythonNode, wanted: ScopeWanted): string {
  const owners = wanted.class === undefined ? [root] : findScopes(root, { class: wanted.class });
  if (owners.length === 0) {
    const classes = root.descendantsOfType('class_definition').filter((node) => node !== null);
    return `classes ${classes.map(nameOf).join(', ') || 'none'}`;
  }
  if (owners.length > 1 || wanted.function === undefined) {
    return `from lines ${owners.map((node) => node.startPosition.row + 1).join(', ')}`;
  }
  const functions = owners.flatMap(ownFunctions);
  return `functions ${functions.map((node) => `${nameOf(node)} (line ${node.startPosition.row + 1})`).join(', ') || 'none'}`;
}
