import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { repoFolders } from '../../../src/model/cache/layout.ts';
import { pullModel, serveHub } from '../../../src/model/index.ts';
import { judgeHeader } from '../../../src/model/inspect/judge-header.ts';
import { makeScratch } from '../scratch-dir.ts';
import { makeModel, makeShard, pullOptions, writeFiles } from '../scratch.ts';

const header = (tensors: Record<string, unknown>): string => JSON.stringify(tensors);
const tensor = (from: number, to: number, dtype = 'U8', shape = [to - from]) => ({
  dtype,
  shape,
  data_offsets: [from, to],
});

describe('a safetensors header', () => {
  it.each([
    [
      'is believed when every tensor is as long as it says',
      header({ a: tensor(0, 40), b: tensor(40, 100) }),
      null,
    ],
    ['may order its tensors as it likes', header({ b: tensor(40, 100), a: tensor(0, 40) }), null],
    [
      'may hold empty tensors and metadata',
      header({ __metadata__: { format: 'pt' }, a: tensor(0, 100), b: tensor(100, 100) }),
      null,
    ],
    ['measures packed types by the bit', header({ a: tensor(0, 100, 'F4', [2, 100]) }), null],
    ['is not measured for a type of the future', header({ a: tensor(0, 100, 'F3', [7]) }), null],
    [
      'lies about a length',
      header({ a: tensor(0, 100, 'BF16', [100]) }),
      /gives the tensor a 100 bytes, BF16 \[100\] takes 200/,
    ],
    [
      'lays two tensors over each other',
      header({ a: tensor(0, 60), b: tensor(50, 100) }),
      /lays the tensor b over another/,
    ],
    [
      'leaves a hole',
      header({ a: tensor(0, 40), b: tensor(60, 100) }),
      /leaves 20 bytes before the tensor b/,
    ],
    [
      'ends a tensor before its start',
      header({ a: tensor(40, 0, 'U8', [0]), b: tensor(0, 100) }),
      /ends the tensor a before/,
    ],
    ['claims more than the file holds', header({ a: tensor(0, 101) }), /1 are missing/],
    ['claims less than the file holds', header({ a: tensor(0, 99) }), /accounts for/],
    ['is no JSON', '{', /not JSON/],
    ['describes a tensor without offsets', header({ a: { dtype: 'U8', shape: [100] } }), /in no known way/],
  ])('%s', (_, text, expected) => {
    const verdict = judgeHeader(text, 8 + text.length, 8 + text.length + 100);
    if (expected === null) expect(verdict).toMatchObject({ kind: 'good' });
    else expect(verdict).toMatchObject({ kind: 'bad', text: expect.stringMatching(expected) as unknown });
  });
});

async function pullOf(files: Record<string, string | Buffer>, patterns = {}) {
  const dir = await makeScratch();
  const hub = await serveHub({ repos: { 'acme/tiny': await writeFiles(join(dir, 'model'), files) } });
  onTestFinished(() => hub.close());
  const cacheDir = join(dir, 'cache');
  const folders = repoFolders(cacheDir, 'acme/tiny');
  return { folders, pulled: pullModel(pullOptions(hub.url, cacheDir, { patterns })) };
}

const shard = 'model-00001-of-00002.safetensors';
const index = 'model.safetensors.index.json';
const lying = (): Buffer => {
  const data = makeShard('layer.0', 500);
  data.write('501', data.indexOf('500'));
  return data;
};

describe('a pull whose bytes are right to the last bit', () => {
  it.each([
    ['refuses a shard whose header lies', { [shard]: lying() }, shard, /takes 501/],
    ['refuses an index that is none', { [index]: '<html>' }, index, /not an index/],
    [
      'refuses an index that names a shard the repository does not have',
      { [index]: JSON.stringify({ weight_map: { 'layer.0': 'model-00009.safetensors' } }) },
      index,
      /model-00009.*does not have/,
    ],
    [
      'refuses an index that points out of the folder',
      { [index]: JSON.stringify({ weight_map: { 'layer.0': '../config.json' } }) },
      index,
      /does not have/,
    ],
    [
      'refuses an index that places a tensor where it is not',
      { [index]: JSON.stringify({ weight_map: { 'layer.9': shard } }) },
      index,
      /layer.9.*does not hold/,
    ],
    ['looks into nested folders too', { [`vae/${shard}`]: lying() }, `vae/${shard}`, /takes 501/],
  ])('%s, and points no ref at it', async (_, change, file, reason) => {
    const { pulled, folders } = await pullOf({ ...makeModel([500, 600]), ...change });
    await expect(pulled).rejects.toMatchObject({
      code: 'STEP_MODEL_INCOMPLETE',
      exitCode: 5,
      verdict: expect.stringContaining(file) as unknown,
      reason: expect.stringMatching(reason) as unknown,
    });
    expect(await readdir(folders.refs)).toEqual([]);
  });

  it('goes through when what is wrong was left out', async () => {
    const files = { ...makeModel([500, 600]), [`vae/${shard}`]: lying() };
    const { pulled } = await pullOf(files, { ignore: ['vae/*'] });
    expect((await pulled).files).toBe(6);
  });

  it('of some shards only does not miss the others', async () => {
    const { pulled } = await pullOf(makeModel([500, 600]), { allow: ['*.json', shard] });
    expect((await pulled).files).toBe(3);
  });
});
