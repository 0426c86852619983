/** Lines of a text with their ends normalised: each ends with `\n`, the last one only where the text does. */
export function splitLines(text: string): string[] {
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  const last = lines.pop() ?? '';
  return [...lines.map((line) => `${line}\n`), ...(last === '' ? [] : [last])];
}

/** Every index at which the block stands in the lines. An empty block stands nowhere. */
export function findBlock(lines: readonly string[], block: readonly string[]): number[] {
  const [first] = block;
  const found: number[] = [];
  if (first === undefined) return found;
  for (let at = lines.indexOf(first); at !== -1; at = lines.indexOf(first, at + 1)) {
    if (block.every((line, offset) => lines[at + offset] === line)) found.push(at);
  }
  return found;
}
