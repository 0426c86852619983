import { open } from 'node:fs/promises';
import { type HeaderProblem, judgeHeader, type TensorEntry } from './judge-header.ts';

export type { TensorEntry } from './judge-header.ts';

/** What the header of one shard says, or why it cannot be believed. */
export type ShardHeader =
  | { readonly kind: 'good'; readonly fileBytes: number; readonly tensors: ReadonlyMap<string, TensorEntry> }
  | { readonly kind: 'bad'; readonly problem: 'missing' | HeaderProblem; readonly text: string };

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
    const verdict = judgeHeader(text.toString('utf8'), 8 + length, size);
    return verdict.kind === 'good' ? { ...verdict, fileBytes: size } : verdict;
  } finally {
    await file.close();
  }
}
