import { open } from 'node:fs/promises';
import { z } from 'zod';

export interface TensorEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly sizeBytes: number;
}

/** What the header of one shard says, or why it cannot be believed. */
export type ShardHeader =
  | { readonly kind: 'good'; readonly fileBytes: number; readonly tensors: ReadonlyMap<string, TensorEntry> }
  | {
      readonly kind: 'bad';
      readonly problem: 'missing' | 'truncated' | 'header' | 'too-long';
      readonly text: string;
    };

const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(z.number().int().nonnegative()),
  data_offsets: z.tuple([z.number().int().nonnegative(), z.number().int().nonnegative()]),
});

// The limit of the format's own reader.
const maxHeaderBytes = 100_000_000;

const bad = (problem: Extract<ShardHeader, { kind: 'bad' }>['problem'], text: string): ShardHeader => ({
  kind: 'bad',
  problem,
  text,
});

/**
 * Reads the header of a safetensors file and holds it against the file's length: 8 bytes of length, JSON, then tensors
 * up to the largest offset. Costs one small read; the tensors themselves are not touched.
 */
export async function readShardHeader(path: string): Promise<ShardHeader> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => error.code ?? 'unreadable');
  if (typeof file === 'string')
    return bad('missing', file === 'ENOENT' ? 'the file is not there' : `cannot be read (${file})`);
  try {
    const { size } = await file.stat();
    const start = Buffer.alloc(8);
    if ((await file.read(start, 0, 8, 0)).bytesRead < 8) return bad('truncated', `only ${size} bytes long`);
    const length = Number(start.readBigUInt64LE(0));
    if (length > maxHeaderBytes)
      return bad('header', `its header claims ${length} bytes: not a safetensors file`);
    if (8 + length > size)
      return bad('truncated', `${size} bytes long, its header alone needs ${8 + length}`);
    const text = Buffer.alloc(length);
    await file.read(text, 0, length, 8);
    return judgeHeader(text.toString('utf8'), 8 + length, size);
  } finally {
    await file.close();
  }
}

function judgeHeader(text: string, dataStart: number, fileBytes: number): ShardHeader {
  let entries: [string, unknown][];
  try {
    entries = Object.entries(JSON.parse(text) as Record<string, unknown>);
  } catch {
    return bad('header', 'its header is not JSON');
  }
  const tensors = new Map<string, TensorEntry>();
  let dataEnd = 0;
  for (const [name, value] of entries) {
    if (name === '__metadata__') continue;
    const parsed = entrySchema.safeParse(value);
    if (!parsed.success) return bad('header', `its header describes the tensor ${name} in no known way`);
    const [from, to] = parsed.data.data_offsets;
    dataEnd = Math.max(dataEnd, to);
    tensors.set(name, { dtype: parsed.data.dtype, shape: parsed.data.shape, sizeBytes: to - from });
  }
  const needed = dataStart + dataEnd;
  if (fileBytes < needed)
    return bad(
      'truncated',
      `${fileBytes} bytes long, its header needs ${needed}: ${needed - fileBytes} are missing`,
    );
  if (fileBytes > needed)
    return bad('too-long', `${fileBytes} bytes long, its header accounts for ${needed}`);
  return { kind: 'good', fileBytes, tensors };
}
