import { open, readdir, readFile, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { etagOf, repoFolders } from '../../../src/model/cache/layout.ts';
import { cachedListing } from '../../../src/model/cache/snapshot.ts';
import {
  type FilePatterns,
  pullModel,
  renderVerify,
  repairModel,
  verifyModel,
} from '../../../src/model/index.ts';
import { startFakeHub } from '../../fixtures/fake-hub/fake-hub.ts';
import { makeScratch } from '../scratch-dir.ts';
import { countProvedFiles, listen, makeModel, pullOptions, writeFiles } from '../scratch.ts';

const KiB = 1024;
const shard = 'model-00001-of-00002.safetensors';
const unitBytes = 64 * KiB;

async function pulledModel() {
  const dir = await makeScratch();
  const modelDir = await writeFiles(join(dir, 'model'), makeModel([700 * KiB, 70 * KiB]));
  const hub = await startFakeHub({ 'acme/tiny': modelDir });
  onTestFinished(() => hub.close());
  const cacheDir = join(dir, 'cache');
  const pulled = await pullModel(pullOptions(hub.url, cacheDir));
  hub.requests.length = 0;
  const folders = repoFolders(cacheDir, 'acme/tiny');
  const listing = (await cachedListing(folders, pulled.commit)) ?? [];
  const blobOf = (path: string): string => {
    const file = listing.find((one) => one.path === path);
    return join(folders.blobs, file === undefined ? '' : etagOf(file));
  };
  const { reporter } = listen();
  const { signal } = new AbortController();
  const subject = { repo: 'acme/tiny', revision: 'main', cacheDir, reporter, signal };
  const verify = (mode: 'quick' | 'full') => verifyModel({ ...subject, mode });
  const pull = (revision: string, patterns: FilePatterns) =>
    pullModel(pullOptions(hub.url, cacheDir, { revision, patterns }));
  const repair = async (mode: 'quick' | 'full' = 'full') =>
    repairModel(await verify(mode), { ...subject, mode, pull });
  return { ...pulled, hub, cacheDir, folders, blobOf, verify, repair };
}

/** Turns one bit of a file, keeping its times as a silent disk would. */
async function flipBit(path: string, at: number): Promise<void> {
  const { atime, mtime } = await stat(path);
  const file = await open(path, 'r+');
  try {
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, at);
    byte[0] = (byte[0] ?? 0) ^ 4;
    await file.write(byte, 0, 1, at);
    await file.utimes(atime, mtime);
  } finally {
    await file.close();
  }
}

describe('repairing a cached model', () => {
  it('of two wrong bits fetches the two stretches they are in, and nothing else', async () => {
    const world = await pulledModel();
    await flipBit(world.blobOf(shard), 100_000);
    await flipBit(world.blobOf(shard), 500_000);
    expect((await world.verify('quick')).verdict).toBe('ok');
    const report = await world.repair();
    expect(report).toMatchObject({ verdict: 'ok', bad: 0, proved: 6 });
    expect(report.repaired).toMatchObject([{ path: shard, fetchedBytes: 2 * unitBytes }]);
    expect(world.hub.bytesServed()).toBe(2 * unitBytes);
    expect(renderVerify(report)).toContain(`repaired ${shard}: 128 KiB fetched`);
    expect(await countProvedFiles(world.cacheDir, 'acme/tiny', world.commit)).toBe(6);
    expect((await readdir(world.folders.blobs)).every((name) => /^[0-9a-f]+$/.test(name))).toBe(true);
    expect((await world.verify('full')).verdict).toBe('ok');
  });

  it.each([
    ['a missing file comes again', (path: string) => rm(path), 'missing', (size: number) => size],
    [
      'a blob cut short gets its end back',
      (path: string) => truncate(path, 300 * KiB),
      'wrong-size',
      (size: number) => size - 4 * unitBytes,
    ],
    ['a blob that grew is cut', (path: string) => truncate(path, 900 * KiB), 'wrong-size', () => 0],
  ] as const)('%s', async (_, damage, status, bytesOf) => {
    const world = await pulledModel();
    await damage(world.blobOf(shard));
    const found = await world.verify('quick');
    expect(found.rows.find((row) => row.path === shard)?.status).toBe(status);
    const report = await world.repair('quick');
    expect(report.bad).toBe(0);
    expect(report.repaired).toHaveLength(1);
    expect(world.hub.bytesServed()).toBe(bytesOf((await stat(world.blobOf(shard))).size));
    expect(await countProvedFiles(world.cacheDir, 'acme/tiny', world.commit)).toBe(6);
  });

  it('without recorded part hashes fetches the whole bad file, and no other', async () => {
    const world = await pulledModel();
    await rm(join(world.folders.own, 'parts'), { recursive: true });
    await flipBit(world.blobOf(shard), 100_000);
    const report = await world.repair();
    expect(report).toMatchObject({ verdict: 'ok', bad: 0 });
    expect(world.hub.bytesServed()).toBe((await readFile(world.blobOf(shard))).length);
  });

  it('of what is right fetches nothing', async () => {
    const world = await pulledModel();
    expect(await world.repair()).toMatchObject({ verdict: 'ok', repaired: [] });
    expect(world.hub.requests).toEqual([]);
  });

  it('that cannot reach the hub keeps what is right, and the next pull takes the rest', async () => {
    const world = await pulledModel();
    await flipBit(world.blobOf(shard), 100_000);
    world.hub.setFaults({ to: () => true, fault: { kind: 'status', status: 500 }, times: 99 });
    await expect(world.repair()).rejects.toMatchObject({ code: 'STEP_MODEL_HUB_UNREACHABLE' });
    world.hub.setFaults();
    world.hub.requests.length = 0;
    await pullModel(pullOptions(world.hub.url, world.cacheDir));
    expect(world.hub.bytesServed()).toBe(unitBytes);
    expect((await world.verify('full')).verdict).toBe('ok');
  });
});
