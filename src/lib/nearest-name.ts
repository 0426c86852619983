/** Edits (insert, delete, replace, swap of neighbours) that turn one word into the other. */
const countEdits = (from: string, to: string): number => {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      let best = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]) {
        best = Math.min(best, (beforeLast[column - 2] ?? 0) + 1);
      }
      current.push(best);
    }
    beforeLast = last;
    last = current;
  }
  return last[to.length] ?? 0;
};

/** The known name that was most likely meant, or null where none is near (a third of the letters may differ). */
export function nearestName(asked: string, known: readonly string[]): string | null {
  const wanted = asked.toLowerCase().replaceAll(/[_-]/g, '');
  let best: { name: string; edits: number } | null = null;
  for (const candidate of known) {
    const edits = countEdits(wanted, candidate.toLowerCase().replaceAll(/[_-]/g, ''));
    if (best === null || edits < best.edits) best = { name: candidate, edits };
  }
  if (best === null) return null;
  return best.edits <= Math.max(1, Math.floor(wanted.length / 3)) ? best.name : null;
}
