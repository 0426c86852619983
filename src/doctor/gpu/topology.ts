/** How two GPUs reach each other, in nvidia-smi's words; from close to far. */
export type LinkKind = 'NV' | 'PIX' | 'PXB' | 'PHB' | 'NODE' | 'SYS' | 'other';

export interface GpuLink {
  readonly from: number;
  readonly to: number;
  readonly kind: LinkKind;
  /** As printed: `NV18`, `PHB`, `OK`, `CNS`. */
  readonly text: string;
}

/** Colours come even without a terminal in some drivers. */
// oxlint-disable-next-line no-control-regex -- the escape character is what is being removed
const withoutColour = (text: string): string => text.replaceAll(/\u001B\[[0-9;]*m/g, '');

const kindOf = (text: string): LinkKind => {
  if (/^NV\d+$/.test(text)) return 'NV';
  return (['PIX', 'PXB', 'PHB', 'NODE', 'SYS'] as const).find((kind) => kind === text) ?? 'other';
};

/**
 * The GPU part of the matrix that `nvidia-smi topo -m` and `topo -p2p r` print, each pair once. Pure; text of another
 * form gives an empty list. The first column names the row, the heading names the columns, tabs or blanks between.
 */
export function parseTopology(text: string): GpuLink[] {
  const lines = withoutColour(text)
    .split('\n')
    .map((line) => line.trim());
  const heading = lines.findIndex((line) => /^GPU\d+(\s|$)/.test(line) && !/\sX(\s|$)/.test(line));
  const columns = (lines[heading] ?? '').split(/\s+/).map((name) => /^GPU(\d+)$/.exec(name)?.[1]);
  if (heading < 0) return [];
  return lines.slice(heading + 1).flatMap((line) => {
    const [name = '', ...cells] = line.split(/\s+/);
    const row = /^GPU(\d+)$/.exec(name)?.[1];
    if (row === undefined) return [];
    return cells.flatMap((cell, column) => {
      const to = columns[column];
      if (to === undefined || Number(to) <= Number(row) || cell === 'X') return [];
      return [{ from: Number(row), to: Number(to), kind: kindOf(cell), text: cell }];
    });
  });
}
