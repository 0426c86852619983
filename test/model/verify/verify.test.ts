import { readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { silentReporter } from '../../../src/lib/index.ts';
import { pullModel, renderVerify, serveHub, verifyModel } from '../../../src/model/index.ts';
import { makeScratch } from '../scratch-dir.ts';
import { makeModel, pullOptions, writeFiles } from '../scratch.ts';

const shard = 'model-00001-of-00002.safetensors';
const common = { reporter: silentReporter, signal: new AbortController().signal };

async function pulledModel() {
  const dir = await makeScratch();
  const modelDir = await writeFiles(join(dir, 'model'), makeModel([90_000, 70_000]));
  const hub = await serveHub({ repos: { 'acme/tiny': modelDir } });
  onTestFinished(() => hub.close());
  const cacheDir = join(dir, 'cache');
  const pulled = await pullModel(pullOptions(hub.url, cacheDir));
  const subject = { repo: 'acme/tiny', revision: 'main', cacheDir, ...common };
  return { ...pulled, modelDir, subject, hub };
}

describe('verifying a cached model', () => {
  it('proves every file by hash in full, and compares sizes and headers when quick', async () => {
    const { subject, commit } = await pulledModel();
    const full = await verifyModel({ ...subject, mode: 'full' });
    expect(full).toMatchObject({
      schema: 'stepctl/verify/1',
      verdict: 'ok',
      files: 6,
      proved: 6,
      bad: 0,
      commit,
    });
    expect(new Set(full.rows.map((row) => row.proof))).toEqual(new Set(['sha256', 'git-sha1']));
    const quick = await verifyModel({ ...subject, mode: 'quick' });
    expect(quick).toMatchObject({ verdict: 'ok', proved: 0 });
    expect(quick.rows.find((row) => row.path === shard)?.proof).toBe('header');
  });

  it('finds one wrong bit in full, and nothing by size (#3643)', async () => {
    const { subject, snapshotDir, hub } = await pulledModel();
    const data = await readFile(join(snapshotDir, shard));
    data[50_000] = (data[50_000] ?? 0) ^ 1;
    await writeFile(join(snapshotDir, shard), data);
    expect((await verifyModel({ ...subject, mode: 'quick' })).verdict).toBe('ok');
    const full = await verifyModel({ ...subject, mode: 'full' });
    expect(full).toMatchObject({ verdict: 'bad', bad: 1, proved: 5 });
    expect(full.rows.find((row) => row.path === shard)).toMatchObject({
      status: 'wrong-hash',
      proof: 'sha256',
    });
    expect(renderVerify(full)).toContain('NOT WHOLE: 1 of 6 files are wrong');
    // The next pull does not trust what was found wrong.
    expect((await pullModel(pullOptions(hub.url, subject.cacheDir))).bytesFetched).toBe(data.length);
    expect((await verifyModel({ ...subject, mode: 'full' })).verdict).toBe('ok');
  });

  it('names what is missing or short', async () => {
    const { subject, snapshotDir } = await pulledModel();
    await truncate(join(snapshotDir, shard), 500);
    await rm(join(snapshotDir, 'config.json'));
    const report = await verifyModel({ ...subject, mode: 'quick' });
    expect(report.rows.filter((row) => row.status !== 'ok').map((row) => [row.path, row.status])).toEqual([
      ['config.json', 'missing'],
      [shard, 'wrong-size'],
    ]);
  });

  it('that is not in the cache says where it looked', async () => {
    const { subject } = await pulledModel();
    const refused = verifyModel({ ...subject, repo: 'acme/other', mode: 'quick' });
    await expect(refused).rejects.toMatchObject({ code: 'STEP_MODEL_NOT_CACHED', exitCode: 3 });
  });

  it('stops when it is interrupted', async () => {
    const { subject } = await pulledModel();
    const signal = AbortSignal.abort();
    await expect(verifyModel({ ...subject, signal, mode: 'full' })).rejects.toMatchObject({
      code: 'STEP_INTERRUPTED',
    });
  });
});

describe('verifying a folder', () => {
  it('checks it against its own index, and does not call it proved without hashes', async () => {
    const { modelDir } = await pulledModel();
    expect((await verifyModel({ dir: modelDir, mode: 'quick', ...common })).verdict).toBe('ok');
    expect((await verifyModel({ dir: modelDir, mode: 'full', ...common })).verdict).toBe('inconclusive');
    await rm(join(modelDir, shard));
    const report = await verifyModel({ dir: modelDir, mode: 'quick', ...common });
    expect(report.rows.filter((row) => row.status !== 'ok')).toMatchObject([
      { path: shard, status: 'missing' },
    ]);
  });

  it('that is a snapshot of the cache is proved by the names of its blobs', async () => {
    const { snapshotDir } = await pulledModel();
    expect(await verifyModel({ dir: snapshotDir, mode: 'full', ...common })).toMatchObject({
      verdict: 'ok',
      proved: 6,
    });
  });
});
