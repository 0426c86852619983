import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { blocksPerRequest, kvCapacity, type KvShape } from '../../../src/model/fit/kv.ts';
import { fitModel } from '../../../src/model/index.ts';
import { renderFit } from '../../../src/cli/commands/model-fit.ts';
import { makeScratch } from '../scratch-dir.ts';

const GiB = 1024 ** 3;
/** 45 layers, 8 heads of 128 over two GPUs: 12 full, 33 that look back 512 tokens. */
const sister: KvShape = {
  fullLayers: 12,
  slidingLayers: 33,
  window: 512,
  bytesPerTokenAndLayer: 2 * 4 * 128,
};
const settings = { blockTokens: 16, inFlightTokens: 8192 };

test('the published run of the sister model comes out: 26.0 GiB of fp8 KV are 7.88 requests of 262144, 2.06 M tokens', () => {
  const found = kvCapacity(sister, settings, 26 * GiB, 262_144, 262_144);
  expect(found.concurrency.toFixed(2)).toBe('7.88');
  expect((found.tokens / 1e6).toFixed(2)).toBe('2.07');
  expect(Math.abs(found.tokens - 2.06e6) / 2.06e6).toBeLessThan(0.005);
});

test('the longest context is the last that fits', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 0, max: 40 }),
      fc.integer({ min: 1, max: 1 << 28 }),
      (fullLayers, slidingLayers, bytes) => {
        const shape = { ...sister, fullLayers, slidingLayers };
        const found = kvCapacity(shape, settings, bytes, 4096, 100_000);
        expect(
          found.longestContext === 0 ||
            blocksPerRequest(shape, settings, found.longestContext) <= found.blocks,
        ).toBe(true);
        expect(
          found.longestContext === 100_000 ||
            blocksPerRequest(shape, settings, found.longestContext + 1) > found.blocks,
        ).toBe(true);
      },
    ),
  );
});

type Shapes = Readonly<Record<string, readonly [dtype: string, bytesEach: number, shape: readonly number[]]>>;

/** A checkpoint of headers alone: the file has its real length and holds nothing. */
async function sparseModel(config: object, tensors: Shapes): Promise<string> {
  const dir = join(await makeScratch(), 'model');
  await mkdir(dir);
  let at = 0;
  const entries = Object.entries(tensors).map(([name, [dtype, each, shape]]) => {
    const size = shape.reduce((product, one) => product * one, each);
    at += size;
    return [name, { dtype, shape, data_offsets: [at - size, at] }];
  });
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(BigInt(header.length));
  await writeFile(join(dir, 'config.json'), JSON.stringify(config));
  await writeFile(join(dir, 'model.safetensors'), Buffer.concat([start, header]));
  await truncate(join(dir, 'model.safetensors'), 8 + header.length + at);
  return dir;
}

const config = {
  num_hidden_layers: 45,
  num_attention_heads: 64,
  num_attention_groups: 8,
  head_dim: 128,
  hidden_size: 4096,
  sliding_window: 512,
  max_position_embeddings: 262_144,
  layer_types: Array.from({ length: 48 }, (_, layer) =>
    layer % 4 === 0 ? 'full_attention' : 'sliding_attention',
  ),
};
/** Sizes of the real model in few tensors: 190.3 B expert weights of 4 bits with a scale each 16, 6.6 B of 16 bits. */
const big: Shapes = {
  'model.layers.3.moe.experts.0.up_proj.weight_packed': ['U8', 1, [95_126_814_720]],
  'model.layers.3.moe.experts.0.up_proj.weight_scale': ['F8_E4M3', 1, [11_890_851_840]],
  'model.layers.3.self_attn.q_proj.weight_packed': ['U8', 1, [2_800_000_000]],
  'model.embed_tokens.weight': ['BF16', 2, [1_055_916_032]],
  'model.layers.3.input_layernorm.weight': ['BF16', 2, [4096]],
  'model.layers.45.mlp.up_proj.weight': ['BF16', 2, [1_000_000_000]],
};
const options = {
  card: 'rtx-pro-6000',
  gpus: [1, 2, 4],
  utilisation: 0.92,
  kv: 'bf16',
  context: null,
} as const;

describe('a checkpoint of the real size', () => {
  test('does not fit on one GPU, and the reason is its sum; two and four carry it', async () => {
    const report = await fitModel(await sparseModel(config, big), options);
    expect(report.layers).toEqual({ full: 12, sliding: 33, window: 512 });
    expect(report.rows.map(({ fits }) => fits)).toEqual([false, true, true]);
    expect(report.rows[0]?.why).toContain('of weights and 3.3 GiB beside them are more than 87.9 GiB');
    expect((report.rows[1]?.weightsBytes ?? 0) / GiB).toBeCloseTo(52.1, 0);
    expect(report.rows[1]?.capacity?.longestContext).toBe(262_144);
  });

  test('says the same to people, within the width', async () => {
    const text = renderFit(await fitModel(await sparseModel(config, big), options), 80);
    expect(text).toContain('1 GPU does not do');
    expect(
      Math.max(
        ...text
          .split('\n')
          .slice(2, 7)
          .map((line) => line.length),
      ),
    ).toBeLessThanOrEqual(80);
  });

  test('fp8 holds twice as many requests as bf16', async () => {
    const dir = await sparseModel(config, big);
    const [half, full] = await Promise.all([
      fitModel(dir, options),
      fitModel(dir, { ...options, kv: 'fp8' }),
    ]);
    const at = (report: typeof half): number => report.rows[1]?.capacity?.concurrency ?? 0;
    expect(at(full) / at(half)).toBeCloseTo(2, 2);
  });
});

describe('bad input', () => {
  test('an unknown card is refused with those that are known', async () => {
    await expect(fitModel('/nonexistent', { ...options, card: 'h100000' })).rejects.toMatchObject({
      code: 'STEP_USAGE',
      reason: expect.stringContaining('rtx-pro-6000') as string,
    });
  });

  test('a header that lies about its length names the file', async () => {
    const dir = await sparseModel(config, big);
    await truncate(join(dir, 'model.safetensors'), 5000);
    await expect(fitModel(dir, options)).rejects.toMatchObject({ code: 'STEP_MODEL_INCOMPLETE' });
  });

  test.each([
    ['no JSON', '{', 'is not JSON'],
    ['silent about its layers', '{}', 'num_hidden_layers'],
  ])('a config.json that is %s', async (_title, text, part) => {
    const dir = await sparseModel(config, {});
    await writeFile(join(dir, 'config.json'), text);
    await expect(fitModel(dir, options)).rejects.toMatchObject({
      code: 'STEP_MODEL_FOLDER',
      reason: expect.stringContaining(part) as string,
    });
  });
});
