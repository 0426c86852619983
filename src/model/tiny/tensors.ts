import type { Matrix } from './matrix.ts';
import { chooseGlobalScale, quantiseNvfp4 } from './nvfp4.ts';
import { toBf16 } from './number-formats.ts';
import type { TensorBytes } from './safetensors-writer.ts';

/** Linear layers that vLLM fuses, by full tensor prefix; they share one global scale. */
export interface LinearGroup {
  linears: readonly { prefix: string; matrix: Matrix }[];
  /** Largest activation that the FP4 input quantisation must hold. */
  inputLargest: number;
}

export function encodeBf16(name: string, shape: readonly number[], values: ArrayLike<number>): TensorBytes {
  const bytes = new Uint8Array(values.length * 2);
  const view = new DataView(bytes.buffer);
  for (let index = 0; index < values.length; index++) {
    view.setUint16(index * 2, toBf16(values[index] ?? 0), true);
  }
  return { name, type: 'BF16', shape, bytes };
}

export function encodeF32(name: string, shape: readonly number[], values: ArrayLike<number>): TensorBytes {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (let index = 0; index < values.length; index++) {
    view.setFloat32(index * 4, values[index] ?? 0, true);
  }
  return { name, type: 'F32', shape, bytes };
}

/** Plain BF16 `weight` of each linear layer. */
export function encodePlainLinears({ linears }: LinearGroup): TensorBytes[] {
  return linears.map(({ prefix, matrix }) =>
    encodeBf16(`${prefix}.weight`, [matrix.rows, matrix.columns], matrix.values),
  );
}

/** The four tensors a linear layer has under `nvfp4-pack-quantized`. */
export function encodeNvfp4Linears({ linears, inputLargest }: LinearGroup): TensorBytes[] {
  const globalScale = chooseGlobalScale(linears.map(({ matrix }) => matrix));
  const inputScale = (448 * 6) / inputLargest;
  return linears.flatMap(({ prefix, matrix }) => {
    const { rows, columns, packed, scales } = quantiseNvfp4(matrix, globalScale);
    return [
      { name: `${prefix}.weight_packed`, type: 'U8', shape: [rows, columns / 2], bytes: packed },
      { name: `${prefix}.weight_scale`, type: 'F8_E4M3', shape: [rows, columns / 16], bytes: scales },
      encodeF32(`${prefix}.weight_global_scale`, [1], [globalScale]),
      encodeF32(`${prefix}.input_global_scale`, [1], [inputScale]),
    ] satisfies TensorBytes[];
  });
}
