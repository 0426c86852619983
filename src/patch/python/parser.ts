import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Language, type Node, Parser } from 'web-tree-sitter';

export type PythonNode = Node;

const packageOf: Readonly<Record<string, string>> = {
  'web-tree-sitter.wasm': 'web-tree-sitter/web-tree-sitter.wasm',
  'tree-sitter-python.wasm': 'tree-sitter-python/tree-sitter-python.wasm',
};

/** The one place that knows where the WebAssembly files lie: beside the bundle (`wasm/`) or in their packages. */
function locateWasm(name: string): string {
  const beside = join(import.meta.dirname, 'wasm', name);
  if (existsSync(beside)) return beside;
  return fileURLToPath(import.meta.resolve(packageOf[name] ?? name));
}

let loading: Promise<Parser> | null = null;

async function loadParser(): Promise<Parser> {
  await Parser.init({ locateFile: (name: string) => locateWasm(name) });
  const parser = new Parser();
  parser.setLanguage(await Language.load(locateWasm('tree-sitter-python.wasm')));
  return parser;
}

/** Loads the grammar once; every later call is free. */
export function preparePython(): Promise<Parser> {
  loading ??= loadParser();
  return loading;
}

/**
 * Parses Python and hands the module node to `use`; the tree lives only for that call, since WebAssembly memory is
 * not collected. Indices of nodes count UTF-16 units, as JavaScript strings do.
 */
export function withPython<T>(parser: Parser, text: string, use: (root: PythonNode) => T): T {
  const tree = parser.parse(text);
  if (tree === null) throw new Error('the Python parser returned no tree');
  try {
    return use(tree.rootNode);
  } finally {
    tree.delete();
  }
}

export type { Parser };
