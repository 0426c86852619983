import {
  architecture,
  headsOf,
  hiddenSize,
  routing,
  type Router,
} from '../../../src/model/tiny/architecture.ts';
import type { TinyFormat } from '../../../src/model/tiny/layout.ts';
import type { Matrix } from '../../../src/model/tiny/matrix.ts';
import { fromBf16, fromFp4, fromFp8, toBf16, toFp4, toFp8 } from '../../../src/model/tiny/number-formats.ts';
import { dequantiseNvfp4 } from '../../../src/model/tiny/nvfp4.ts';
import type { TensorBytes } from '../../../src/model/tiny/safetensors-writer.ts';
import { activate, type Activation } from '../../../src/model/tiny/units.ts';

/** An independent forward pass over the tensors as they stand on disk. Rotation is left out: every value it could move is constant. */

export interface Linear {
  matrix: Matrix;
  /** Divisor of the weight's global scale; 1 in BF16. */
  globalScale: number;
  /** Divisor of the FP4 input quantisation; null: inputs stay as they are. */
  inputScale: number | null;
}

export interface Mlp {
  gate: Linear;
  up: Linear;
  down: Linear;
  activation: Activation;
}

export interface ReferenceLayer {
  q: Linear;
  k: Linear;
  v: Linear;
  o: Linear;
  g: Linear;
  qNorm: Float32Array;
  kNorm: Float32Array;
  /** Dense MLP or shared expert. */
  always: Mlp;
  router: Matrix | null;
  routerBias: Float32Array;
  experts: Mlp[];
}

export interface ReferenceModel {
  router: Router;
  embedding: Matrix;
  head: Matrix;
  layers: ReferenceLayer[];
}

export function readReference(
  tensors: readonly TensorBytes[],
  format: TinyFormat,
  router: Router,
  swiglustep: boolean,
): ReferenceModel {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const take = (name: string): TensorBytes => {
    const tensor = byName.get(name);
    if (!tensor) throw new Error(`no tensor ${name}`);
    return tensor;
  };
  const plain = (name: string): Matrix => decodeMatrix(take(name));
  const linear = (prefix: string): Linear => {
    if (format === 'bf16') return { matrix: plain(`${prefix}.weight`), globalScale: 1, inputScale: null };
    const packed = take(`${prefix}.weight_packed`);
    const globalScale = plain(`${prefix}.weight_global_scale`).values[0] ?? NaN;
    return {
      matrix: dequantiseNvfp4({
        rows: packed.shape[0] ?? 0,
        columns: (packed.shape[1] ?? 0) * 2,
        packed: packed.bytes,
        scales: take(`${prefix}.weight_scale`).bytes,
        globalScale,
      }),
      globalScale,
      inputScale: plain(`${prefix}.input_global_scale`).values[0] ?? NaN,
    };
  };
  const mlp = (prefix: string, activation: Activation): Mlp => ({
    gate: linear(`${prefix}.gate_proj`),
    up: linear(`${prefix}.up_proj`),
    down: linear(`${prefix}.down_proj`),
    activation,
  });
  const stacked = (prefix: string, expert: number): Linear => {
    const tensor = take(`${prefix}.weight`);
    const [experts = 0, rows = 0, columns = 0] = tensor.shape;
    const size = tensor.bytes.length / experts;
    const bytes = tensor.bytes.subarray(expert * size, (expert + 1) * size);
    const matrix = decodeMatrix({ ...tensor, shape: [rows, columns], bytes });
    return { matrix, globalScale: 1, inputScale: null };
  };

  const layers = architecture.layerTypes.map((_, index): ReferenceLayer => {
    const prefix = `model.layers.${index}`;
    const isDense = architecture.denseLayers.includes(index);
    const activation = swiglustep && index === architecture.layers - 1 ? 'swiglustep' : 'silu';
    const expert = (id: number): Mlp =>
      format === 'nvfp4'
        ? mlp(`${prefix}.moe.experts.${id}`, activation)
        : {
            gate: stacked(`${prefix}.moe.gate_proj`, id),
            up: stacked(`${prefix}.moe.up_proj`, id),
            down: stacked(`${prefix}.moe.down_proj`, id),
            activation,
          };
    return {
      q: linear(`${prefix}.self_attn.q_proj`),
      k: linear(`${prefix}.self_attn.k_proj`),
      v: linear(`${prefix}.self_attn.v_proj`),
      o: linear(`${prefix}.self_attn.o_proj`),
      g: linear(`${prefix}.self_attn.g_proj`),
      qNorm: plain(`${prefix}.self_attn.q_norm.weight`).values,
      kNorm: plain(`${prefix}.self_attn.k_norm.weight`).values,
      always: mlp(isDense ? `${prefix}.mlp` : `${prefix}.share_expert`, 'silu'),
      router: isDense ? null : plain(`${prefix}.moe.gate.weight`),
      routerBias: isDense ? new Float32Array() : plain(`${prefix}.moe.router_bias`).values,
      experts: isDense ? [] : Array.from({ length: architecture.experts }, (_e, id) => expert(id)),
    };
  });
  return {
    router,
    embedding: plain('model.embed_tokens.weight'),
    head: plain('lm_head.weight'),
    layers,
  };
}

/** Greedy decoding of as many tokens as `expected` has; stops at the first that differs from it, which it includes. */
export function generate(
  model: ReferenceModel,
  prompt: readonly number[],
  expected: readonly number[],
): number[] {
  const caches = model.layers.map(() => ({ keys: [], values: [] }) as Cache);
  let next = -1;
  for (const id of prompt) next = step(model, caches, id);
  const result = [next];
  while (next === expected[result.length - 1] && result.length < expected.length) {
    next = step(model, caches, next);
    result.push(next);
  }
  return result;
}

interface Cache {
  keys: Float32Array[];
  values: Float32Array[];
}

function step(model: ReferenceModel, caches: readonly Cache[], id: number): number {
  let state: Float32Array = model.embedding.values.slice(id * hiddenSize, (id + 1) * hiddenSize);
  model.layers.forEach((layer, index) => {
    const cache = caches[index] ?? { keys: [], values: [] };
    state = sum(state, attend(layer, index, cache, normalise(state)));
    const seen = normalise(state);
    let output = runMlp(layer.always, seen);
    for (const { expert, weight } of route(layer, seen, model.router)) {
      const mlp = layer.experts[expert];
      if (mlp)
        output = sum(
          output,
          runMlp(mlp, seen).map((value) => value * weight),
        );
    }
    state = sum(state, output);
  });
  return pickLargest(multiply(model.head, normalise(state)));
}

function attend(layer: ReferenceLayer, index: number, cache: Cache, x: Float32Array): Float32Array {
  const { headDim, kvHeads, layerTypes, slidingWindow } = architecture;
  const heads = headsOf(index);
  const q = normaliseHeads(apply(layer.q, x), layer.qNorm);
  cache.keys.push(normaliseHeads(apply(layer.k, x), layer.kNorm));
  cache.values.push(apply(layer.v, x));
  const first =
    layerTypes[index] === 'sliding_attention' ? Math.max(0, cache.keys.length - slidingWindow) : 0;
  const gates = apply(layer.g, x);
  const mixed = new Float32Array(heads * headDim);
  for (let head = 0; head < heads; head++) {
    const kv = Math.floor(head / (heads / kvHeads)) * headDim;
    const query = q.subarray(head * headDim, (head + 1) * headDim);
    const scores = cache.keys
      .slice(first)
      .map((key) => dot(query, key.subarray(kv, kv + headDim)) / Math.sqrt(headDim));
    const top = Math.max(...scores);
    const weights = scores.map((score) => Math.exp(score - top));
    const total = weights.reduce((whole, weight) => whole + weight, 0);
    const gate = 1 / (1 + Math.exp(-(gates[head] ?? 0)));
    weights.forEach((weight, place) => {
      const value = cache.values[first + place];
      for (let d = 0; d < headDim; d++) {
        const at = head * headDim + d;
        mixed[at] = (mixed[at] ?? 0) + ((value?.[kv + d] ?? 0) * weight * gate) / total;
      }
    });
  }
  return apply(layer.o, mixed.map(roundBf16));
}

function route(layer: ReferenceLayer, x: Float32Array, router: Router): { expert: number; weight: number }[] {
  if (!layer.router) return [];
  const logits = multiply(layer.router, x);
  const scores =
    router === 'sigmoid'
      ? logits.map((logit) => 1 / (1 + Math.exp(-logit)))
      : logits.map((logit) => Math.exp(logit));
  const chosen = [...scores.keys()]
    .map((expert) => ({ expert, choice: (scores[expert] ?? 0) + (layer.routerBias[expert] ?? 0) }))
    .toSorted((a, b) => b.choice - a.choice)
    .slice(0, architecture.topK);
  const total = chosen.reduce((whole, { expert }) => whole + (scores[expert] ?? 0), 0);
  return chosen.map(({ expert }) => ({
    expert,
    weight: ((scores[expert] ?? 0) / total) * routing[router].scaling,
  }));
}

function runMlp({ gate, up, down, activation }: Mlp, x: Float32Array): Float32Array {
  const gates = apply(gate, x);
  const ups = apply(up, x);
  return apply(
    down,
    gates.map((value, index) => roundBf16(activate(activation, value, ups[index] ?? 0))),
  );
}

function apply({ matrix, inputScale }: Linear, x: Float32Array): Float32Array {
  return multiply(matrix, inputScale === null ? x : quantiseInput(x, inputScale)).map(roundBf16);
}

/** Layers that see the same state quantise it once. */
const quantised = new WeakMap<Float32Array, Map<number, Float32Array>>();

function quantiseInput(x: Float32Array, globalScale: number): Float32Array {
  const known = quantised.get(x) ?? new Map<number, Float32Array>();
  quantised.set(x, known);
  const result = known.get(globalScale) ?? quantiseGroups(x, globalScale);
  known.set(globalScale, result);
  return result;
}

/** What dynamic NVFP4 leaves of an activation. */
function quantiseGroups(x: Float32Array, globalScale: number): Float32Array {
  const result = new Float32Array(x.length);
  for (let start = 0; start < x.length; start += 16) {
    let largest = 0;
    for (let at = start; at < start + 16; at++) largest = Math.max(largest, Math.abs(x[at] ?? 0));
    const scale = Number.isNaN(largest) ? NaN : fromFp8(toFp8((largest / 6) * globalScale));
    if (scale === 0) continue;
    for (let at = start; at < start + 16; at++) {
      const code = toFp4(((x[at] ?? 0) * globalScale) / scale);
      result[at] = (fromFp4(code) * scale) / globalScale;
    }
  }
  return result;
}

function multiply(matrix: Matrix, x: Float32Array): Float32Array {
  const { starts, columns, values } = compress(matrix);
  const result = new Float32Array(matrix.rows);
  for (let row = 0; row < matrix.rows; row++) {
    const end = starts[row + 1] ?? 0;
    let total = 0;
    for (let at = starts[row] ?? 0; at < end; at++) {
      total += (values[at] ?? 0) * (x[columns[at] ?? 0] ?? 0);
    }
    result[row] = total;
  }
  return result;
}

interface SparseMatrix {
  starts: Uint32Array;
  columns: Uint16Array;
  values: Float32Array;
}

/** Most of the matrices is zero: without this the mutations below take minutes. */
const compressed = new WeakMap<Matrix, SparseMatrix>();

function compress(matrix: Matrix): SparseMatrix {
  const known = compressed.get(matrix);
  if (known) return known;
  const count = matrix.values.reduce((found, value) => (value === 0 ? found : found + 1), 0);
  const sparse = {
    starts: new Uint32Array(matrix.rows + 1),
    columns: new Uint16Array(count),
    values: new Float32Array(count),
  };
  let used = 0;
  for (let row = 0; row < matrix.rows; row++) {
    for (let column = 0; column < matrix.columns; column++) {
      const value = matrix.values[row * matrix.columns + column] ?? 0;
      if (value === 0) continue;
      sparse.columns[used] = column;
      sparse.values[used] = value;
      used++;
    }
    sparse.starts[row + 1] = used;
  }
  compressed.set(matrix, sparse);
  return sparse;
}

function normalise(x: Float32Array): Float32Array {
  const scale = 1 / Math.sqrt(dot(x, x) / x.length + architecture.rmsNormEps);
  return x.map((value) => roundBf16(value * scale));
}

function normaliseHeads(x: Float32Array, weight: Float32Array): Float32Array {
  const result = new Float32Array(x.length);
  for (let start = 0; start < x.length; start += weight.length) {
    const head = normalise(x.subarray(start, start + weight.length));
    head.forEach((value, index) => {
      result[start + index] = value * (1 + (weight[index] ?? 0));
    });
  }
  return result;
}

/** NaN wins nowhere: an engine that samples from NaN logits returns token 0. */
function pickLargest(logits: Float32Array): number {
  return logits.reduce((best, value, id) => (value > (logits[best] ?? 0) ? id : best), 0);
}

function dot(a: Float32Array, b: Float32Array): number {
  let total = 0;
  for (let index = 0; index < a.length; index++) total += (a[index] ?? 0) * (b[index] ?? 0);
  return total;
}

function sum(a: Float32Array, b: Float32Array): Float32Array {
  return a.map((value, index) => roundBf16(value + (b[index] ?? 0)));
}

function roundBf16(value: number): number {
  return Number.isNaN(value) ? NaN : fromBf16(toBf16(value));
}

function decodeMatrix({ type, shape, bytes }: TensorBytes): Matrix {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = type === 'BF16' ? 2 : 4;
  const values = Float32Array.from({ length: bytes.length / size }, (_, index) => {
    if (type === 'F32') return view.getFloat32(index * 4, true);
    return fromBf16(view.getUint16(index * 2, true));
  });
  const [rows = 1, columns = 1] = shape.length === 1 ? [1, shape[0]] : shape;
  return { rows, columns, values };
}
