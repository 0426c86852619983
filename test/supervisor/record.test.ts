import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openEngineLog } from '../../src/supervisor/record/engine-log.ts';
import { openLineFile } from '../../src/supervisor/record/line-file.ts';
import {
  estimateReadyInMs,
  openStartHistory,
  percentile90,
} from '../../src/supervisor/record/start-history.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'record-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('engine logs', () => {
  test('each start has its own file, counted on from what is there, and ten are kept', async () => {
    for (let start = 0; start < 13; start += 1) {
      const log = await openEngineLog(dir, 1_000);
      await log.write({ at: 0, stream: 'stderr', text: `start ${start}` });
      await log.close();
    }
    const names = (await readdir(dir)).toSorted();
    expect(names).toHaveLength(10);
    expect(await readFile(join(dir, 'start-13.log'), 'utf8')).toBe('1970-01-01T00:00:00.000Z err start 12\n');
  });
  test('a file that is full becomes PATH.1, so that disk use is bounded', async () => {
    const file = openLineFile(join(dir, 'x'), 100);
    for (let line = 0; line < 50; line += 1) await file.write(`line ${line}`);
    await file.close();
    expect((await readdir(dir)).toSorted()).toEqual(['x', 'x.1']);
    expect(await readFile(join(dir, 'x'), 'utf8')).toContain('line 49\n');
    for (const name of ['x', 'x.1']) expect((await stat(join(dir, name))).size).toBeLessThanOrEqual(100);
  });
  test('a folder that cannot be written loses lines and stops nothing', async () => {
    await writeFile(join(dir, 'plain'), '');
    const file = openLineFile(join(dir, 'plain', 'x'), 100);
    await file.write('lost');
    await file.close();
  });
});

const start = (totalMs: number, phases: Record<string, number>) => ({ key: 'k', totalMs, phases });

describe('time until ready', () => {
  const now = { phase: 'weights', elapsedMs: 5_000, inPhaseMs: 1_000 } as const;
  test('is unknown without history', () => {
    expect(estimateReadyInMs([], now)).toBeNull();
  });
  test('is what earlier starts still needed from this phase on', () => {
    expect(estimateReadyInMs([start(60_000, { weights: 40_000 })], now)).toBe(19_000);
  });
  test('falls back to the whole where the phase was not seen, and never goes below zero', () => {
    expect(estimateReadyInMs([start(60_000, {})], now)).toBe(55_000);
    expect(estimateReadyInMs([start(60_000, { weights: 59_500 })], now)).toBe(0);
  });
  test('p90 is a value that was seen', () => {
    expect(percentile90([])).toBeNull();
    expect(percentile90([3, 1, 2])).toBe(3);
    expect(percentile90(Array.from({ length: 10 }, (_, index) => index + 1))).toBe(9);
  });
  test('history is kept per engine and survives, and a torn file is no history', async () => {
    const path = join(dir, 'starts.json');
    await (await openStartHistory(path, 'a')).add({ totalMs: 1, phases: {} });
    await (await openStartHistory(path, 'b')).add({ totalMs: 2, phases: {} });
    expect((await openStartHistory(path, 'a')).starts()).toEqual([{ key: 'a', totalMs: 1, phases: {} }]);
    expect((await openStartHistory(join(dir, 'none'), 'a')).starts()).toEqual([]);
  });
});
