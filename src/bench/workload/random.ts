/**
 * Deterministic numbers in [0, 1) for one request of one run: keyed by seed and index rather than drawn from one shared
 * sequence, so that order and number of workers change nothing. (32-bit mix of the splitmix family.)
 */
export function createRandom(seed: number, index: number): () => number {
  let state = mix(mix(seed | 0) ^ Math.imul(index + 1, 0x9e3779b1));
  return () => {
    state = (state + 0x9e3779b9) | 0;
    return mix(state) / 0x1_0000_0000;
  };
}

function mix(value: number): number {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad);
  bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
  return (bits ^ (bits >>> 15)) >>> 0;
}
