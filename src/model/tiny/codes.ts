/** Seeded generator of uniform numbers in [0, 1) (mulberry32): same seed, same checkpoint, on every machine. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Fisher-Yates over a copy. */
export function shuffle<T>(items: readonly T[], random: () => number): T[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const pick = Math.floor(random() * (last + 1));
    const held = result[last] as T;
    result[last] = result[pick] as T;
    result[pick] = held;
  }
  return result;
}

/** A ±1 vector; two codes of one book have no overlap at all. */
export type Code = Int8Array;

/**
 * `width` (a power of two) mutually orthogonal ±1 codes: Hadamard rows in seeded order with seeded column signs.
 * Every entry has the same magnitude, so a group of 16 survives FP4 quantisation without loss.
 */
export function createCodeBook(width: number, random: () => number): Code[] {
  const signs = Array.from({ length: width }, () => (random() < 0.5 ? -1 : 1));
  const rows = shuffle(
    Array.from({ length: width }, (_, row) => row),
    random,
  );
  return rows.map((row) =>
    Int8Array.from(signs, (sign, column) => (countBits(row & column) % 2 === 0 ? sign : -sign)),
  );
}

function countBits(value: number): number {
  let bits = 0;
  for (let rest = value; rest !== 0; rest &= rest - 1) bits++;
  return bits;
}
