import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Node } from 'yaml';
import type { Layer, LayerKind, Place, Problem } from './layer.ts';

type Child = { readonly at: Node | null; readonly value: Node | null };

const nodeOrNull = (value: unknown): Node | null => (value as Node | null | undefined) ?? null;

const stepInto = (node: Node | null, step: PropertyKey): Child | null => {
  if (isMap(node)) {
    const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step));
    return pair === undefined ? null : { at: nodeOrNull(pair.key), value: nodeOrNull(pair.value) };
  }
  if (isSeq(node) && typeof step === 'number') {
    const item = nodeOrNull(node.items[step]);
    return { at: item, value: item };
  }
  return null;
};

/** Node at a path, or its nearest ancestor that is in the file. */
const findNode = (root: Node | null, path: readonly PropertyKey[]): Node | null => {
  let found = root;
  let value = root;
  for (const step of path) {
    const child = stepInto(value, step);
    if (child === null) return found;
    found = child.at ?? found;
    value = child.value;
  }
  return found;
};

/**
 * Reads YAML text as a layer that can say where each key stands. Syntax errors and duplicate keys come back as
 * problems, several at once; the layer is then empty. Aliases are bounded by the parser (no billion laughs).
 */
export function parseYamlLayer(input: {
  readonly text: string;
  readonly file: string;
  readonly kind: LayerKind;
  readonly label: string;
}): { readonly layer: Layer; readonly problems: readonly Problem[] } {
  const { text, file, kind, label } = input;
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const placeAt = (offset: number): Place => {
    const position = lines.linePos(offset);
    return { file, line: Math.max(1, position.line), column: Math.max(1, position.col) };
  };
  const locate = (path: readonly PropertyKey[]): Place =>
    placeAt(findNode(document.contents, path)?.range?.[0] ?? 0);
  const problemAt = (offset: number, expected: string, found: string): Problem => {
    const place = placeAt(offset);
    return { kind, where: `${file}:${place.line}:${place.column}`, key: '', expected, found, hint: null };
  };
  const problems = document.errors.map((error) => problemAt(error.pos[0], 'valid YAML', error.message));
  if (problems.length > 0) return { layer: { kind, label, values: {}, locate }, problems };
  let values: unknown;
  try {
    values = document.toJS() ?? {};
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    return { layer: { kind, label, values: {}, locate }, problems: [problemAt(0, 'valid YAML', found)] };
  }
  return { layer: { kind, label, values, locate }, problems };
}
