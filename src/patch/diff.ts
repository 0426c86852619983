import type { SeriesPlan } from './types.ts';

type Step = { readonly kind: ' ' | '-' | '+'; readonly line: string };

const contextLines = 3;

/** The plan as one unified diff that `patch -p1` and `git apply` take; empty when nothing changes. Sources end with a line break. */
export function renderDiff(plan: SeriesPlan): string {
  return plan.files
    .map(({ path, before, after }) => {
      const steps = compareLines(before.text.split('\n').slice(0, -1), after.text.split('\n').slice(0, -1));
      return `--- a/${path}\n+++ b/${path}\n${renderHunks(steps)}`;
    })
    .join('');
}

/**
 * Shortest edit script by Myers' greedy algorithm: cheap here, since a patch changes few lines of a long file.
 * `furthest` maps a diagonal (old minus new position) to the furthest old position reached on it.
 */
function compareLines(before: readonly string[], after: readonly string[]): Step[] {
  const trail: Map<number, number>[] = [];
  const furthest = new Map<number, number>([[1, 0]]);
  for (let cost = 0; cost <= before.length + after.length; cost += 1) {
    trail.push(new Map(furthest));
    for (let diagonal = -cost; diagonal <= cost; diagonal += 2) {
      let x = startOn(furthest, diagonal, cost);
      while (x < before.length && x - diagonal < after.length && before[x] === after[x - diagonal]) x += 1;
      furthest.set(diagonal, x);
      if (x >= before.length && x - diagonal >= after.length) return walkBack(trail, before, after);
    }
  }
  return [];
}

const at = (map: Map<number, number>, diagonal: number): number => map.get(diagonal) ?? -1;

const comesFromAbove = (map: Map<number, number>, diagonal: number, cost: number): boolean =>
  diagonal === -cost || (diagonal !== cost && at(map, diagonal - 1) < at(map, diagonal + 1));

const startOn = (map: Map<number, number>, diagonal: number, cost: number): number =>
  comesFromAbove(map, diagonal, cost) ? at(map, diagonal + 1) : at(map, diagonal - 1) + 1;

function walkBack(
  trail: readonly Map<number, number>[],
  before: readonly string[],
  after: readonly string[],
): Step[] {
  const steps: Step[] = [];
  let x = before.length;
  let y = after.length;
  for (const [cost, map] of [...trail.entries()].toReversed()) {
    const diagonal = x - y;
    const isInsertion = comesFromAbove(map, diagonal, cost);
    const fromX = isInsertion ? at(map, diagonal + 1) : at(map, diagonal - 1);
    const fromY = fromX - (isInsertion ? diagonal + 1 : diagonal - 1);
    while (x > fromX && y > fromY && x > 0 && y > 0) {
      steps.push({ kind: ' ', line: before[x - 1] ?? '' });
      x -= 1;
      y -= 1;
    }
    if (cost === 0) break;
    steps.push(
      isInsertion ? { kind: '+', line: after[y - 1] ?? '' } : { kind: '-', line: before[x - 1] ?? '' },
    );
    x = fromX;
    y = fromY;
  }
  return steps.toReversed();
}

function renderHunks(steps: readonly Step[]): string {
  const isNear = steps.map((_, index) =>
    steps
      .slice(Math.max(0, index - contextLines), index + contextLines + 1)
      .some((neighbour) => neighbour.kind !== ' '),
  );
  let text = '';
  let oldLine = 1;
  let newLine = 1;
  let index = 0;
  while (index < steps.length) {
    let end = index;
    while (isNear[end] === true) end += 1;
    const hunk = steps.slice(index, Math.max(end, index + 1));
    const oldCount = hunk.filter((step) => step.kind !== '+').length;
    const newCount = hunk.filter((step) => step.kind !== '-').length;
    if (end > index) {
      const body = hunk.map((step) => `${step.kind}${step.line}\n`).join('');
      text += `@@ -${range(oldLine, oldCount)} +${range(newLine, newCount)} @@\n${body}`;
    }
    oldLine += oldCount;
    newLine += newCount;
    index += hunk.length;
  }
  return text;
}

/** An empty side is named by the line before it. */
const range = (line: number, count: number): string => `${count === 0 ? line - 1 : line},${count}`;
