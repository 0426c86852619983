import { randomFillSync } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';

/** A right safetensors header over `bytes` bytes of one tensor. */
function shardHeader(name: string, bytes: number): Buffer {
  const text = JSON.stringify({ [name]: { dtype: 'U8', shape: [bytes], data_offsets: [0, bytes] } });
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, Buffer.from(text)]);
}

/** Writes shards of random content, each block other than the last, with right headers. Returns their bytes. */
export async function writeShards(dir: string, shards: number, mib: number): Promise<number> {
  await mkdir(dir, { recursive: true });
  const block = Buffer.alloc(1 << 20);
  let total = 0;
  for (let shard = 1; shard <= shards; shard += 1) {
    const number = String(shard).padStart(5, '0');
    const file = await open(join(dir, `model-${number}.safetensors`), 'w');
    const header = shardHeader(`layer.${number}`, mib << 20);
    await file.write(header);
    randomFillSync(block);
    for (let i = 0; i < mib; i += 1) {
      block.writeUInt32LE(i, 0);
      await file.write(block);
    }
    await file.close();
    total += header.length + (mib << 20);
  }
  return total;
}
