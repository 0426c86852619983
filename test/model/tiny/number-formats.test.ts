import { assert, double, property } from 'fast-check';
import { expect, it } from 'vitest';
import {
  fp4Magnitudes,
  fromBf16,
  fromFp4,
  fromFp8,
  toBf16,
  toFp4,
  toFp8,
} from '../../../src/model/tiny/number-formats.ts';
import { chooseGlobalScale, dequantiseNvfp4, quantiseNvfp4 } from '../../../src/model/tiny/nvfp4.ts';

it.each([
  [0, 0x0000],
  [1, 0x3f80],
  [-2, 0xc000],
  [3.140625, 0x4049],
  [1.00390625, 0x3f80],
  [1.01171875, 0x3f82],
])('BF16 of %d is %i, ties to even', (value, bits) => {
  expect(toBf16(value)).toBe(bits);
});

it.each([
  [0, 0x00],
  [1, 0x38],
  [448, 0x7e],
  [10_000, 0x7e],
  [2 ** -9, 0x01],
  [2 ** -6, 0x08],
  [1.0625, 0x38],
  [1.1875, 0x3a],
  [1.97, 0x40],
])('FP8 E4M3 of %d is %i, saturating and subnormal included', (value, bits) => {
  expect(toFp8(value)).toBe(bits);
});

it('every FP8 number below NaN survives the way there and back', () => {
  for (let bits = 0; bits <= 0x7e; bits++) expect(toFp8(fromFp8(bits))).toBe(bits);
});

it('every FP4 number survives the way there and back', () => {
  for (const magnitude of fp4Magnitudes) {
    expect(fromFp4(toFp4(magnitude))).toBe(magnitude);
    expect(fromFp4(toFp4(-magnitude))).toBe(magnitude === 0 ? 0 : -magnitude);
  }
});

it('FP4 picks a nearest number', () => {
  assert(
    property(double({ min: -6, max: 6, noNaN: true }), (value) => {
      const error = Math.abs(fromFp4(toFp4(value)) - value);
      const best = Math.min(...fp4Magnitudes.map((magnitude) => Math.abs(Math.abs(value) - magnitude)));
      expect(error).toBeCloseTo(best, 12);
    }),
  );
});

it('BF16 is off by at most one part in 256', () => {
  assert(
    property(double({ min: 1e-30, max: 1e30, noNaN: true }), (value) => {
      expect(Math.abs(fromBf16(toBf16(value)) - value)).toBeLessThanOrEqual(value / 256);
    }),
  );
});

it('NVFP4 keeps a matrix of equal magnitudes as it is, even column in the low nibble', () => {
  const values = Float32Array.from({ length: 32 }, (_, index) => (index % 3 === 0 ? -0.5 : 0.5));
  const matrix = { rows: 1, columns: 32, values };
  const quantised = quantiseNvfp4(matrix, chooseGlobalScale([matrix]));
  expect(quantised.globalScale).toBe(448 * 6 * 2);
  expect(quantised.packed[0]).toBe(0x7f);
  expect([...quantised.scales]).toEqual([0x7e, 0x7e]);
  expect([...dequantiseNvfp4(quantised).values]).toEqual([...values]);
});

it('NVFP4 gives a matrix of zeros no scale that divides by zero', () => {
  const matrix = { rows: 1, columns: 16, values: new Float32Array(16) };
  const quantised = quantiseNvfp4(matrix, chooseGlobalScale([matrix]));
  expect(quantised.globalScale).toBe(1);
  expect([...dequantiseNvfp4(quantised).values]).toEqual([...matrix.values]);
});
