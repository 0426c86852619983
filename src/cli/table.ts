const cut = (text: string, size: number): string =>
  text.length > size ? `${text.slice(0, size - 1)}…` : text.padEnd(size);

/** A table that fits the terminal: columns as wide as needed, the widest cut first. Pure. */
export function renderTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  width: number,
): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const gaps = 2 * (widths.length - 1);
  while (widths.reduce((sum, value) => sum + value, 0) + gaps > width) {
    const widest = widths.indexOf(Math.max(...widths));
    const now = widths[widest] ?? 0;
    if (now <= 8) break;
    widths[widest] = now - 1;
  }
  return all
    .map((row) =>
      widths
        .map((size, column) => cut(row[column] ?? '', size))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
