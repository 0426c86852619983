import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { repoFolders } from '../../src/model/cache/layout.ts';
import { pullModel } from '../../src/model/index.ts';
import { type FakeHub, isPart, isTree, startFakeHub } from '../fixtures/fake-hub/fake-hub.ts';
import { type FaultRow, faultTable } from './fault-table.ts';
import { makeScratch } from './scratch-dir.ts';
import { countProvedFiles, listen, makeModel, pullOptions, type Told, writeFiles } from './scratch.ts';

const KiB = 1024;
const shardBytes = [700 * KiB, 300 * KiB];
const neededBytes = shardBytes.reduce((a, b) => a + b, 0);

interface Outcome {
  readonly code: string;
  readonly commit: string | null;
  readonly error: { readonly next: string | null } | null;
  readonly told: Told;
}

describe('a pull under faults', () => {
  let hub: FakeHub;
  let dir: string;
  const seen: string[][] = [['fault', 'expected', 'seen', 'served/needed']];

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'stepctl-faults-'));
    const model = await writeFiles(join(dir, 'model'), makeModel(shardBytes));
    // Pages of four entries: every pull of this table follows the pages of the list.
    hub = await startFakeHub({ 'acme/tiny': model }, { pageSize: 4, renamed: { 'acme/old': 'acme/tiny' } });
  });
  afterEach(() => hub.setFaults());
  afterAll(async () => {
    await hub.close();
    await rm(dir, { recursive: true, force: true });
    const widths = [0, 1, 2, 3].map((i) => Math.max(...seen.map((row) => row[i]?.length ?? 0)));
    const lines = seen.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  '));
    process.stdout.write(`${lines.join('\n')}\n`);
  });

  const pull = async (row: FaultRow, cacheDir: string): Promise<Outcome> => {
    const told = listen();
    const options = pullOptions(hub.url, cacheDir, {
      repo: row.repo ?? 'acme/tiny',
      reporter: told.reporter,
      tuning: row.tuning ?? {},
    });
    return pullModel(options).then(
      ({ commit }) => ({ code: 'whole', commit, error: null, told }),
      (error: { code: string; next: string | null }) => ({ code: error.code, commit: null, error, told }),
    );
  };
  const note = (row: FaultRow, outcome: Outcome): number => {
    const ratio = hub.bytesServed() / neededBytes;
    seen.push([row.fault, row.expected, outcome.code, ratio.toFixed(2)]);
    return ratio;
  };
  const checkToken = async (outcome: Outcome, cacheDir: string): Promise<void> => {
    const [own = [], others = []] = [true, false].map((isHub) =>
      hub.requests.filter(({ server }) => (server === 'hub') === isHub).map((r) => r.authorization),
    );
    expect(new Set(own)).toEqual(new Set(['Bearer hf_secret']));
    expect(others.filter((sent) => sent !== null)).toEqual([]);
    expect(JSON.stringify([outcome.told, outcome.error])).not.toContain('hf_secret');
    for (const entry of await readdir(cacheDir, { recursive: true, withFileTypes: true }))
      if (entry.isFile())
        expect(await readFile(join(entry.parentPath, entry.name), 'latin1')).not.toContain('hf_secret');
  };

  it.each(faultTable.map((row) => [row.fault, row] as const))('%s', async (_, row) => {
    const cacheDir = await makeScratch();
    hub.setFaults(...row.rules);
    hub.requests.length = 0;
    const outcome = await pull(row, cacheDir);
    const ratio = note(row, outcome);
    expect(outcome.code, JSON.stringify(outcome.error)).toBe(row.expected);
    if (row.ratioAtMost !== undefined) expect(ratio).toBeLessThanOrEqual(row.ratioAtMost + 0.01);
    const said = [...outcome.told.stages, JSON.stringify(outcome.error)].join('\n');
    if (row.says !== undefined) expect(said).toMatch(row.says);
    await checkToken(outcome, cacheDir);
    const repo = row.repo ?? 'acme/tiny';
    const folders = repoFolders(cacheDir, repo);
    if (outcome.commit === null) {
      expect(outcome.error?.next).not.toBeNull();
      // No ref to half a snapshot.
      expect(await readdir(folders.refs).catch(() => [])).toEqual([]);
    } else {
      expect(await countProvedFiles(cacheDir, repo, outcome.commit)).toBe(6);
      expect((await readdir(folders.blobs)).every((name) => /^[0-9a-f]+$/.test(name))).toBe(true);
      expect(hub.requests.filter(isTree).length).toBeGreaterThanOrEqual(2);
    }
    expect(await readdir(folders.own).catch(() => [])).not.toContain('owner.json');
  });

  it('another etag between two runs', async () => {
    const row = { fault: 'the file changed between two runs', rules: [], expected: 'whole' };
    const cacheDir = await makeScratch();
    hub.setFaults({ to: isPart, after: 2, times: 999, fault: { kind: 'drop', afterBytes: 0 } });
    expect(await pull(row, cacheDir)).toMatchObject({ code: 'STEP_MODEL_HUB_UNREACHABLE' });
    await writeFiles(join(dir, 'model'), makeModel(shardBytes));
    hub.setFaults();
    hub.requests.length = 0;
    const outcome = await pull(row, cacheDir);
    // Nothing of the old file counts for the new one.
    expect(note(row, outcome)).toBeCloseTo(1, 2);
    expect(await countProvedFiles(cacheDir, 'acme/tiny', outcome.commit ?? '')).toBe(6);
  });
});
