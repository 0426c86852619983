// One number seen both ways; two views of equal element size need no byte order.
const asFloat32 = new Float32Array(1);
const asBits = new Uint32Array(asFloat32.buffer);

/** BF16 bits of a number, round to nearest even. */
export function toBf16(value: number): number {
  asFloat32[0] = value;
  const bits = asBits[0] ?? 0;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/** Value of BF16 bits. */
export function fromBf16(bits: number): number {
  asBits[0] = bits << 16;
  return asFloat32[0] ?? 0;
}

/** FP8 E4M3 (finite) bits of a non-negative number, round to nearest even, saturating at 448. */
export function toFp8(value: number): number {
  if (value <= 0) return 0;
  if (value >= 448) return 0x7e;
  const exponent = Math.max(Math.floor(Math.log2(value)), -6);
  const steps = roundHalfEven(value / 2 ** (exponent - 3));
  // steps 8..16 are normal numbers (16 carries into the next exponent), fewer are subnormal.
  return exponent === -6 ? steps : ((exponent + 7) << 3) + (steps - 8);
}

/** Value of non-negative FP8 E4M3 bits. */
export function fromFp8(bits: number): number {
  const exponent = bits >> 3;
  const mantissa = bits & 7;
  return exponent === 0 ? mantissa * 2 ** -9 : (1 + mantissa / 8) * 2 ** (exponent - 7);
}

/** The eight magnitudes of FP4 E2M1, by code. */
export const fp4Magnitudes = [0, 0.5, 1, 1.5, 2, 3, 4, 6] as const;
/** Midpoints between them; a tie goes to the even code. */
const fp4Bounds = [0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5] as const;

/** FP4 E2M1 code (sign in bit 3), saturating at 6. */
export function toFp4(value: number): number {
  const magnitude = Math.abs(value);
  let code = 0;
  for (const bound of fp4Bounds) {
    if (magnitude > bound || (magnitude === bound && code % 2 === 1)) code++;
    else break;
  }
  return value < 0 && code > 0 ? code | 8 : code;
}

export function fromFp4(code: number): number {
  const magnitude = fp4Magnitudes[code & 7] ?? 0;
  return code & 8 ? -magnitude : magnitude;
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
