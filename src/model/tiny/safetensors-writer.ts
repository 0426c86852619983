import { chmod, writeFile } from 'node:fs/promises';

export type TensorType = 'BF16' | 'F32' | 'U8' | 'F8_E4M3';

/** One tensor with its bytes as they go to disk (little endian). */
export interface TensorBytes {
  name: string;
  type: TensorType;
  shape: readonly number[];
  bytes: Uint8Array;
}

/**
 * Header of a safetensors file: 8 bytes of length, then JSON padded with spaces to 8 bytes
 * (readers map the tensors, and unaligned ones are slow or refused).
 */
export function encodeSafetensorsHeader(tensors: readonly TensorBytes[]): Uint8Array {
  const entries: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let offset = 0;
  for (const { name, type, shape, bytes } of tensors) {
    const end = offset + bytes.length;
    entries[name] = { dtype: type, shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(entries), 'utf8');
  const padded = Math.ceil(json.length / 8) * 8;
  const header = Buffer.alloc(8 + padded, ' ');
  header.writeBigUInt64LE(BigInt(padded), 0);
  json.copy(header, 8);
  return header;
}

/**
 * Writes one safetensors file of mode 0644 and returns its size in bytes.
 * Mode 0600, which the reference writer leaves behind, reads as "no such file" to an engine under another uid.
 */
export async function writeSafetensors(path: string, tensors: readonly TensorBytes[]): Promise<number> {
  const header = encodeSafetensorsHeader(tensors);
  const content = Buffer.concat([header, ...tensors.map((tensor) => tensor.bytes)]);
  await writeReadable(path, content);
  return content.length;
}

/** Writes a file that every user may read, whatever the umask or an older file of that name says. */
export async function writeReadable(path: string, content: string | Uint8Array): Promise<void> {
  await writeFile(path, content);
  await chmod(path, 0o644);
}
