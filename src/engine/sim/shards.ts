import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });
const headerSchema = z.record(z.string(), z.unknown());
const tensorSchema = z.object({ data_offsets: z.tuple([z.number(), z.number()]) });

/** Names of the shards of a model folder: those of its index, else every safetensors file. Throws where one is missing. */
export async function listShards(modelDir: string): Promise<string[]> {
  const present = new Set((await readdir(modelDir)).filter((name) => name.endsWith('.safetensors')));
  const index = await readFile(join(modelDir, 'model.safetensors.index.json'), 'utf8').catch(() => null);
  if (index === null) {
    if (present.size === 0)
      throw new Error(`RuntimeError: Cannot find any model weights with \`${modelDir}\``);
    return [...present].toSorted();
  }
  const named = [...new Set(Object.values(indexSchema.parse(JSON.parse(index)).weight_map))].toSorted();
  const missing = named.filter((name) => !present.has(name)).map((name) => `'${join(modelDir, name)}'`);
  if (missing.length > 0) {
    throw new Error(
      `FileNotFoundError: Weight files referenced in index but missing: {${missing.join(', ')}}`,
    );
  }
  return named;
}

const damaged = (why: string): Error =>
  new Error(`safetensors._safetensors_rust.SafetensorError: Error while deserializing header: ${why}`);

/** Opens a shard as safetensors does: reads its header and compares what it promises with the file's length. */
export async function openShard(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const prefix = Buffer.alloc(8);
    if ((await file.read(prefix, 0, 8, 0)).bytesRead < 8) throw damaged('header too small');
    const length = Number(prefix.readBigUInt64LE());
    if (length > size - 8) throw damaged('invalid header length');
    const text = Buffer.alloc(length);
    await file.read(text, 0, length, 8);
    const header = headerSchema.parse(JSON.parse(text.toString('utf8')));
    let end = 0;
    for (const value of Object.values(header)) {
      const tensor = tensorSchema.safeParse(value);
      if (tensor.success) end = Math.max(end, tensor.data.data_offsets[1]);
    }
    if (8 + length + end !== size) throw damaged('incomplete metadata, file not fully covered');
  } finally {
    await file.close();
  }
}
