/** Bytes [start, end) of a file. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Sorted, disjoint, non-touching, non-empty ranges. Only the functions here make one. */
export type RangeSet = readonly ByteRange[];

export const noRanges: RangeSet = [];

/** The set with `added` in it. Touching ranges become one. */
export function addRange(set: RangeSet, added: ByteRange): RangeSet {
  if (added.end <= added.start) return set;
  const before = set.filter((range) => range.end < added.start);
  const after = set.filter((range) => range.start > added.end);
  const touching = set.slice(before.length, set.length - after.length);
  const start = Math.min(added.start, touching[0]?.start ?? added.start);
  const end = Math.max(added.end, touching.at(-1)?.end ?? added.end);
  return [...before, { start, end }, ...after];
}

/** The set without the bytes of `removed`. */
export function removeRange(set: RangeSet, removed: ByteRange): RangeSet {
  if (removed.end <= removed.start) return set;
  return set
    .flatMap((range) => [
      { start: range.start, end: Math.min(range.end, removed.start) },
      { start: Math.max(range.start, removed.end), end: range.end },
    ])
    .filter((range) => range.end > range.start);
}

/** What is missing from [0, size). */
export function gapsOf(set: RangeSet, size: number): RangeSet {
  const gaps: ByteRange[] = [];
  let from = 0;
  for (const range of set) {
    if (range.start >= size) break;
    if (range.start > from) gaps.push({ start: from, end: range.start });
    from = range.end;
  }
  if (from < size) gaps.push({ start: from, end: size });
  return gaps;
}

export const bytesIn = (set: RangeSet): number =>
  set.reduce((sum, range) => sum + range.end - range.start, 0);

/** How far the file is whole from its first byte on. */
export const wholePrefix = (set: RangeSet): number => (set[0]?.start === 0 ? set[0].end : 0);

/**
 * How long the next part should be: the largest allowed while much is left, shorter towards the end so that the last
 * connection does not work alone, never under one unit.
 */
export function partLength(
  leftBytes: number,
  connections: number,
  limits: { readonly partBytes: number; readonly unitBytes: number },
): number {
  const fair = Math.ceil(leftBytes / (connections * 2) / limits.unitBytes) * limits.unitBytes;
  return Math.max(limits.unitBytes, Math.min(limits.partBytes, fair));
}

/** The next range to ask for: the first bytes neither stored nor being fetched, ends on a multiple of `length`. */
export function nextPart(set: RangeSet, size: number, length: number): ByteRange | null {
  const gap = gapsOf(set, size)[0];
  if (gap === undefined) return null;
  const boundary = (Math.floor(gap.start / length) + 1) * length;
  return { start: gap.start, end: Math.min(gap.end, boundary) };
}
