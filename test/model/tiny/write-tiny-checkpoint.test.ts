import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCheckpointScript } from '../../../src/lib/index.ts';
import { type TinyCheckpoint, writeTinyCheckpoint } from '../../../src/model/tiny/index.ts';

let root: string;
let written: TinyCheckpoint;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'stepctl-tiny-'));
  written = await writeTinyCheckpoint(join(root, 'nvfp4'));
});

afterAll(() => rm(root, { recursive: true, force: true }));

interface Header {
  [name: string]: { dtype: string; shape: number[]; data_offsets: [number, number] };
}

async function readHeader(path: string): Promise<{ header: Header; dataBytes: number }> {
  const content = await readFile(path);
  const length = Number(content.readBigUInt64LE(0));
  const { __metadata__: _, ...header } = JSON.parse(content.toString('utf8', 8, 8 + length)) as Header;
  expect((8 + length) % 8).toBe(0);
  return { header, dataBytes: content.length - 8 - length };
}

async function readJson(name: string, dir = written.dir): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(join(dir, name), 'utf8')) as Record<string, unknown>;
}

async function hashFiles(checkpoint: TinyCheckpoint): Promise<string[]> {
  return Promise.all(
    checkpoint.files.map(async (name) =>
      createHash('sha256')
        .update(await readFile(join(checkpoint.dir, name)))
        .digest('hex'),
    ),
  );
}

describe('the tiny checkpoint', () => {
  it('lists exactly the files it wrote, 23 shards among them, readable by every user', async () => {
    expect(written.files).toEqual((await readdir(written.dir)).toSorted());
    expect(written.files.filter((name) => /^model-\d{5}-of-00023\.safetensors$/.test(name))).toHaveLength(23);
    const stats = await Promise.all(written.files.map((name) => stat(join(written.dir, name))));
    expect(new Set(stats.map(({ mode }) => mode & 0o777))).toEqual(new Set([0o644]));
    expect(stats.reduce((sum, { size }) => sum + size, 0)).toBe(written.bytes);
  });

  it('has an index that names every tensor of every shard, and their size', async () => {
    const index = await readJson('model.safetensors.index.json');
    const found = new Map<string, string>();
    let total = 0;
    for (const name of written.files.filter((file) => file.endsWith('.safetensors'))) {
      const { header, dataBytes } = await readHeader(join(written.dir, name));
      for (const tensor of Object.keys(header)) found.set(tensor, name);
      const ends = Object.values(header).map(({ data_offsets }) => data_offsets[1]);
      expect(Math.max(...ends)).toBe(dataBytes);
      total += dataBytes;
    }
    expect(index['weight_map']).toEqual(Object.fromEntries(found));
    expect(index['metadata']).toEqual({ total_size: total });
    expect(found.size).toBe(written.tensors);
  });

  it('is the same byte for byte for the same seed, and another for another seed', async () => {
    const again = await writeTinyCheckpoint(join(root, 'again'), { seed: 1 });
    const other = await writeTinyCheckpoint(join(root, 'other'), { seed: 2 });
    const hashes = await hashFiles(written);
    expect(await hashFiles(again)).toEqual(hashes);
    expect(await hashFiles(other)).not.toEqual(hashes);
  });

  it('keeps every NVFP4 expert by itself and names what stays unquantised', async () => {
    const map = (await readJson('model.safetensors.index.json'))['weight_map'] as Record<string, string>;
    const prefix = 'model.layers.3.moe.experts.7.down_proj';
    for (const part of ['weight_packed', 'weight_scale', 'weight_global_scale', 'input_global_scale']) {
      expect(map).toHaveProperty([`${prefix}.${part}`]);
    }
    expect(map).toHaveProperty(['model.layers.2.self_attn.g_proj.weight_packed']);
    expect(map).toHaveProperty(['model.layers.1.moe.gate.weight']);
    const config = await readJson('config.json');
    expect(config['quantization_config']).toMatchObject({
      format: 'nvfp4-pack-quantized',
      ignore: ['lm_head', 'model.layers.1.moe.gate', 'model.layers.2.moe.gate', 'model.layers.3.moe.gate'],
    });
  });

  it('stacks BF16 experts into three dimensions and says nothing of quantisation', async () => {
    const plain = await writeTinyCheckpoint(join(root, 'bf16'), { format: 'bf16', shards: 1 });
    const { header } = await readHeader(join(plain.dir, 'model-00001-of-00001.safetensors'));
    expect(header['model.layers.1.moe.up_proj.weight']).toMatchObject({ dtype: 'BF16', shape: [8, 64, 384] });
    expect(await readJson('config.json', plain.dir)).not.toHaveProperty('quantization_config');
  });

  it('marks the layer with swiglustep only where asked to', async () => {
    const plain = await writeTinyCheckpoint(join(root, 'silu'), { swiglustep: false });
    expect((await readJson('config.json'))['swiglu_limits']).toEqual([0, 0, 0, 7]);
    expect((await readJson('config.json', plain.dir))['swiglu_limits']).toEqual([0, 0, 0, 0]);
  });

  it('writes config floats with a decimal point, for readers that tell 3 from 3.0', async () => {
    const text = await readFile(join(written.dir, 'config.json'), 'utf8');
    expect(text).toContain('"moe_router_scaling_factor": 3.0');
  });

  it('carries the known truth beside it', async () => {
    expect(await readCheckpointScript(written.dir)).toEqual(written.script);
    expect(written.script.scripts.map(({ name }) => name)).toEqual(['chat', 'tool', 'endless']);
  });

  it.each([0, 1.5, 100_000])('refuses %d shards', async (shards) => {
    await expect(writeTinyCheckpoint(join(root, 'never'), { shards })).rejects.toThrow(
      `shards must be a whole number from 1 to 441, not ${shards}`,
    );
  });
});
