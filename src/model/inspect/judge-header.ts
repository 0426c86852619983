import { z } from 'zod';

export interface TensorEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly sizeBytes: number;
}

export type HeaderProblem = 'truncated' | 'header' | 'too-long';

/** What a header says of its file, or why it cannot be believed. */
export type HeaderVerdict =
  | { readonly kind: 'good'; readonly tensors: ReadonlyMap<string, TensorEntry> }
  | { readonly kind: 'bad'; readonly problem: HeaderProblem; readonly text: string };

const count = z.number().int().nonnegative();
const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(count),
  data_offsets: z.tuple([count, count]),
});

/** Types by the bits of one element, as the format's own reader knows them; a type that is not here is not measured. */
const typesByBits: Readonly<Record<number, readonly string[]>> = {
  4: ['F4'],
  6: ['F6_E2M3', 'F6_E3M2'],
  8: ['BOOL', 'U8', 'I8', 'F8_E4M3', 'F8_E5M2', 'F8_E8M0', 'F8_E4M3FNUZ', 'F8_E5M2FNUZ'],
  16: ['I16', 'U16', 'F16', 'BF16'],
  32: ['I32', 'U32', 'F32'],
  64: ['I64', 'U64', 'F64', 'C64'],
};

const bitsOf = new Map(
  Object.entries(typesByBits).flatMap(([bits, types]) => types.map((type) => [type, Number(bits)] as const)),
);

interface Placed extends TensorEntry {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

const bad = (problem: HeaderProblem, text: string): HeaderVerdict => ({ kind: 'bad', problem, text });

/** Whether a tensor's stretch is as long as its shape and type say; null when it is. */
function lengthProblem({ name, dtype, shape, from, to }: Placed): string | null {
  if (to < from) return `its header ends the tensor ${name} before its start`;
  const bits = bitsOf.get(dtype);
  if (bits === undefined) return null;
  const needed = (shape.reduce((product, side) => product * side, 1) * bits) / 8;
  if (needed === to - from) return null;
  return `its header gives the tensor ${name} ${to - from} bytes, ${dtype} [${shape.join(', ')}] takes ${needed}`;
}

/** Tensors lie one after another without a hole or an overlap; null when these do. */
function layoutProblem(placed: readonly Placed[]): string | null {
  let end = 0;
  for (const tensor of placed.toSorted((a, b) => a.from - b.from || a.to - b.to)) {
    if (tensor.from < end) return `its header lays the tensor ${tensor.name} over another one`;
    if (tensor.from > end)
      return `its header leaves ${tensor.from - end} bytes before the tensor ${tensor.name} to nobody`;
    end = tensor.to;
  }
  return null;
}

/**
 * Judges the JSON of a safetensors header against its file: every tensor as long as its shape and type say, one after
 * another without holes, the last one ending where the file ends. `dataStart` is where the tensors begin. Pure.
 */
export function judgeHeader(text: string, dataStart: number, fileBytes: number): HeaderVerdict {
  let entries: [string, unknown][];
  try {
    entries = Object.entries(JSON.parse(text) as Record<string, unknown>);
  } catch {
    return bad('header', 'its header is not JSON');
  }
  const placed: Placed[] = [];
  for (const [name, value] of entries) {
    if (name === '__metadata__') continue;
    const parsed = entrySchema.safeParse(value);
    if (!parsed.success) return bad('header', `its header describes the tensor ${name} in no known way`);
    const {
      dtype,
      shape,
      data_offsets: [from, to],
    } = parsed.data;
    placed.push({ name, dtype, shape, from, to, sizeBytes: to - from });
  }
  const needed = dataStart + placed.reduce((end, { to }) => Math.max(end, to), 0);
  if (fileBytes < needed)
    return bad(
      'truncated',
      `${fileBytes} bytes long, its header needs ${needed}: ${needed - fileBytes} are missing`,
    );
  const lie = placed.map(lengthProblem).find((problem) => problem !== null) ?? layoutProblem(placed);
  if (lie !== null) return bad('header', lie);
  if (fileBytes > needed)
    return bad('too-long', `${fileBytes} bytes long, its header accounts for ${needed}`);
  return {
    kind: 'good',
    tensors: new Map(placed.map(({ name, dtype, shape, sizeBytes }) => [name, { dtype, shape, sizeBytes }])),
  };
}
