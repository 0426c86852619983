import type { PythonNode } from './parser.ts';

/**
 * Patterns are Python themselves: `ANY` (or `ANY_NAME`) stands for one node, `...` for any number of siblings
 * (arguments, elements, statements). Layout, comments, quotes, brackets around an expression, trailing commas and
 * type annotations do not matter, so a reformatted source matches as before.
 */
export function findMatches(scope: PythonNode, pattern: PythonNode): PythonNode[] {
  const wanted = patternRoot(pattern);
  const found: PythonNode[] = [];
  const visit = (node: PythonNode): void => {
    // Brackets are looked through: what is in them counts, once.
    if (node.type !== 'parenthesized_expression' && matchesNode(wanted, node)) found.push(node);
    for (const child of node.namedChildren) if (child !== null) visit(child);
  };
  visit(scope);
  return found;
}

/** True when the source node is what the pattern describes. */
export function matchesPattern(pattern: PythonNode, node: PythonNode): boolean {
  return matchesNode(patternRoot(pattern), node);
}

/** The statement of a one-statement module; an expression statement counts as its expression. */
function patternRoot(module: PythonNode): PythonNode {
  if (module.type !== 'module') return module;
  const statements = contents(module);
  const [only] = statements;
  if (only === undefined || statements.length > 1)
    throw new Error('a pattern is one statement or one expression');
  if (only.type !== 'expression_statement') return only;
  return contents(only)[0] ?? only;
}

const punctuation = new Set([',', '(', ')', '[', ']', '{', '}', ':', ';']);

/** Children that carry meaning: no comments, no punctuation; operators and keywords stay. */
function contents(node: PythonNode): PythonNode[] {
  const kept: PythonNode[] = [];
  for (const child of node.children) {
    if (child === null || child.type === 'comment' || punctuation.has(child.type)) continue;
    kept.push(child);
  }
  return kept;
}

/** Brackets around an expression say nothing. */
function unwrap(node: PythonNode): PythonNode {
  let inner = node;
  while (inner.type === 'parenthesized_expression') {
    const [only] = contents(inner);
    if (only === undefined) break;
    inner = only;
  }
  return inner;
}

const isAny = (node: PythonNode): boolean =>
  node.type === 'identifier' && /^ANY(_[A-Z0-9_]+)?$/.test(node.text);

function isWildcard(node: PythonNode, test: (inner: PythonNode) => boolean): boolean {
  if (test(node)) return true;
  if (node.type !== 'expression_statement') return false;
  const inside = contents(node);
  const [only] = inside;
  return only !== undefined && inside.length === 1 && test(only);
}

function matchesNode(patternNode: PythonNode, sourceNode: PythonNode): boolean {
  const pattern = unwrap(patternNode);
  if (isWildcard(pattern, isAny)) return sourceNode.isNamed;
  const source = unwrap(sourceNode);
  if (pattern.type !== source.type) return false;
  if (pattern.type === 'string') return stringValue(pattern) === stringValue(source);
  const wanted = contents(pattern);
  let given = contents(source);
  if (pattern.type === 'assignment' && pattern.childForFieldName('type') === null) {
    const annotation = source.childForFieldName('type');
    given = given.filter((child) => annotation === null || child.id !== annotation.id);
  }
  if (wanted.length === 0 && given.length === 0) return pattern.text === source.text;
  return matchesList(wanted, given);
}

/** Prefix letters and contents; which quotes are used says nothing. */
function stringValue(node: PythonNode): string {
  return contents(node)
    .map((part) =>
      part.type === 'string_start'
        ? part.text.replaceAll(/['"]/g, '').toLowerCase()
        : part.type === 'string_end'
          ? ''
          : part.text,
    )
    .join('\0');
}

function matchesList(wanted: readonly PythonNode[], given: readonly PythonNode[]): boolean {
  const [first, ...rest] = wanted;
  if (first === undefined) return given.length === 0;
  if (isWildcard(first, (node) => node.type === 'ellipsis')) {
    for (let skip = 0; skip <= given.length; skip += 1) {
      if (matchesList(rest, given.slice(skip))) return true;
    }
    return false;
  }
  const [head, ...tail] = given;
  return head !== undefined && matchesNode(first, head) && matchesList(rest, tail);
}
