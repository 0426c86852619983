import { type Matrix, findLargest } from './matrix.ts';
import { fromFp4, fromFp8, toFp4, toFp8 } from './number-formats.ts';

const groupSize = 16;
const fp8Largest = 448;
const fp4Largest = 6;

/** One linear layer in the `nvfp4-pack-quantized` layout of compressed-tensors. */
export interface Nvfp4Matrix {
  rows: number;
  columns: number;
  /** Two codes a byte, the even column in the low nibble. */
  packed: Uint8Array;
  /** FP8 bits, one a group of 16 columns. */
  scales: Uint8Array;
  /** A divisor: value = code * scale / globalScale. */
  globalScale: number;
}

/** Global scale that lets the largest of these matrices use the whole range; matrices that vLLM fuses must share it. */
export function chooseGlobalScale(matrices: readonly Matrix[]): number {
  const largest = findLargest(matrices);
  return largest === 0 ? 1 : Math.fround((fp8Largest * fp4Largest) / largest);
}

/** `columns` must be divisible by 16. */
export function quantiseNvfp4(matrix: Matrix, globalScale: number): Nvfp4Matrix {
  const { rows, columns, values } = matrix;
  const packed = new Uint8Array((rows * columns) / 2);
  const scales = new Uint8Array((rows * columns) / groupSize);
  for (let group = 0; group < scales.length; group++) {
    const start = group * groupSize;
    const members = values.subarray(start, start + groupSize);
    const largest = members.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const bits = toFp8((largest / fp4Largest) * globalScale);
    const scale = fromFp8(bits);
    scales[group] = bits;
    members.forEach((value, index) => {
      const code = scale === 0 ? 0 : toFp4((value * globalScale) / scale);
      const place = (start + index) >> 1;
      packed[place] = (packed[place] ?? 0) | (index % 2 === 0 ? code : code << 4);
    });
  }
  return { rows, columns, packed, scales, globalScale };
}

/** The matrix an engine computes with. */
export function dequantiseNvfp4(quantised: Nvfp4Matrix): Matrix {
  const { rows, columns, packed, scales, globalScale } = quantised;
  const values = new Float32Array(rows * columns);
  for (let index = 0; index < values.length; index++) {
    const byte = packed[index >> 1] ?? 0;
    const code = index % 2 === 0 ? byte & 15 : byte >> 4;
    const scale = fromFp8(scales[Math.floor(index / groupSize)] ?? 0);
    values[index] = (fromFp4(code) * scale) / globalScale;
  }
  return { rows, columns, values };
}
