import { rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspectModelDir, writeTinyCheckpoint } from '../../../src/model/index.ts';
import { readShardHeader } from '../../../src/model/inspect/safetensors.ts';
import { makeScratch } from '../scratch-dir.ts';
import { makeModel, makeShard, writeFiles } from '../scratch.ts';

const shard = 'model-00002-of-00003.safetensors';

const model = async (): Promise<string> => writeFiles(await makeScratch(), makeModel([500, 600, 700]));

describe('inspecting a model folder', () => {
  it('reads architecture, experts, quantisation and swiglustep layers of the scripted checkpoint', async () => {
    const dir = await makeScratch();
    await writeTinyCheckpoint(dir, { seed: 1, shards: 23, format: 'nvfp4' });
    expect(await inspectModelDir(dir)).toMatchObject({
      architecture: 'Step3p5ForCausalLM',
      modelType: 'step3p5',
      layers: 4,
      experts: 8,
      moeLayers: [1, 2, 3],
      expertLayout: 'per-expert',
      quantization: { method: 'compressed-tensors', format: 'nvfp4-pack-quantized' },
      perExpertNvfp4: true,
      swiglustepLayers: [3],
      shards: 23,
    });
    await writeTinyCheckpoint(join(dir, 'bf16'), { seed: 1, shards: 2, format: 'bf16' });
    expect(await inspectModelDir(join(dir, 'bf16'))).toMatchObject({
      expertLayout: 'stacked',
      quantization: null,
      perExpertNvfp4: false,
      shards: 2,
    });
  });

  it.each([
    ['missing', (path: string) => rm(path), 'is missing', 'the file is not there'],
    [
      'truncated by one byte',
      (path: string) => truncate(path, 600 + 8 + headerLength - 1),
      'is damaged',
      ': 1 are missing',
    ],
    [
      'truncated inside its header',
      (path: string) => truncate(path, 20),
      'is damaged',
      'its header alone needs',
    ],
    ['empty', (path: string) => truncate(path, 0), 'is damaged', 'only 0 bytes long'],
    [
      'longer than its header says',
      (path: string) => truncate(path, 5000),
      'is damaged',
      'its header accounts for',
    ],
    [
      'an HTML page',
      (path: string) => writeFile(path, '<html>sign in</html>'),
      'is damaged',
      'not a safetensors file',
    ],
    [
      'of other tensors than the index says',
      (path: string) => writeFile(path, makeShard('other', 9)),
      'is damaged',
      'lacks 1 tensor that the index places in it, layer.1 first',
    ],
  ])('names a shard that is %s', async (_, damage, verdict, reason) => {
    const dir = await model();
    await damage(join(dir, shard));
    const refused = inspectModelDir(dir);
    await expect(refused).rejects.toMatchObject({
      code: 'STEP_MODEL_INCOMPLETE',
      verdict: expect.stringContaining(`${shard} ${verdict}`) as unknown,
      reason: expect.stringContaining(reason) as unknown,
    });
  });

  it('refuses what is no model folder, and an index that points outside', async () => {
    const dir = await makeScratch();
    await expect(inspectModelDir(join(dir, 'nothing'))).rejects.toMatchObject({
      code: 'STEP_MODEL_FOLDER',
      reason: 'there is nothing there',
    });
    await expect(inspectModelDir(dir)).rejects.toMatchObject({
      code: 'STEP_MODEL_FOLDER',
      reason: 'it holds no config.json',
    });
    await writeFiles(dir, { 'config.json': '{' });
    await expect(inspectModelDir(dir)).rejects.toMatchObject({
      code: 'STEP_MODEL_FOLDER',
      reason: expect.stringContaining('is not JSON') as unknown,
    });
    await writeFiles(dir, {
      'config.json': '{}',
      'model.safetensors.index.json': '{"weight_map":{"a":"../../etc/passwd"}}',
    });
    await expect(inspectModelDir(dir)).rejects.toMatchObject({
      code: 'STEP_MODEL_INCOMPLETE',
      reason: expect.stringContaining('outside the folder') as unknown,
    });
  });
});

const headerLength = makeShard('layer.1', 600).length - 600 - 8;

describe('a safetensors header', () => {
  it('with a negative length, or offsets that are no numbers, is refused', async () => {
    const dir = await makeScratch();
    const header = Buffer.from('{"a":{"dtype":"F32","shape":[1],"data_offsets":["0",4]}}');
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    await writeFiles(dir, {
      huge: Buffer.alloc(8, 0xff),
      odd: Buffer.concat([length, header, Buffer.alloc(4)]),
    });
    expect(await readShardHeader(join(dir, 'huge'))).toMatchObject({ kind: 'bad', problem: 'header' });
    expect(await readShardHeader(join(dir, 'odd'))).toMatchObject({ kind: 'bad', problem: 'header' });
  });
});
