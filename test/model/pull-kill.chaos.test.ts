import { spawn } from 'node:child_process';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { repoFolders } from '../../src/model/cache/layout.ts';
import { coveredBy } from '../../src/model/download/partial.ts';
import { parseJournal } from '../../src/model/download/journal.ts';
import { bytesIn, type RangeSet, removeRange } from '../../src/model/download/ranges.ts';
import { isPart, startFakeHub } from '../fixtures/fake-hub/fake-hub.ts';
import { makeScratch } from './scratch-dir.ts';
import { countProvedFiles, makeModel, writeFiles } from './scratch.ts';

const KiB = 1024;
const rounds = 100;
const shardBytes = [6000 * KiB, 6000 * KiB];
// pull-child: 3 connections, units of 64 KiB and half a unit over, and one chunk of the socket on its way each.
const connections = 3;
const owedAtMost = connections * (1.5 * 64 + 256) * KiB;

/** What the journals vouch for, by etag; the sizes come from the model itself. */
async function readJournals(
  blobs: string,
  sizes: ReadonlyMap<string, number>,
): Promise<Map<string, RangeSet>> {
  const vouched = new Map<string, RangeSet>();
  for (const name of await readdir(blobs).catch(() => [])) {
    const etag = name.replace(/\.stepctl-.*$/, '');
    const sizeBytes = sizes.get(etag);
    if (sizeBytes === undefined) continue;
    if (name === etag) vouched.set(etag, [{ start: 0, end: sizeBytes }]);
    if (!name.endsWith('.stepctl-journal')) continue;
    const journal = parseJournal(await readFile(join(blobs, name), 'latin1'), { etag, sizeBytes });
    vouched.set(etag, coveredBy(journal?.records ?? []));
  }
  return vouched;
}

const total = (vouched: ReadonlyMap<string, RangeSet>): number =>
  [...vouched.values()].reduce((sum, set) => sum + bytesIn(set), 0);

/** The same numbers on every run: a round that fails can be run again. */
function* seeded(seed: number): Generator<number, never> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

it(`${rounds} seeded kill -9: no journalled byte is fetched again, what is lost is bounded, the result is right`, async () => {
  const dir = await makeScratch();
  const hub = await startFakeHub({
    'acme/tiny': await writeFiles(join(dir, 'model'), makeModel(shardBytes)),
  });
  onTestFinished(() => hub.close());
  const cacheDir = join(dir, 'cache');
  const { blobs } = repoFolders(cacheDir, 'acme/tiny');
  const tree = (await (await fetch(`${hub.url}/api/models/acme/tiny/tree/main?recursive=true`)).json()) as {
    lfs?: { oid: string; size: number };
  }[];
  const sizes = new Map(tree.flatMap(({ lfs }) => (lfs === undefined ? [] : [[lfs.oid, lfs.size] as const])));
  const random = seeded(20_261_125);
  const script = fileURLToPath(new URL('./pull-child.ts', import.meta.url));
  const lost: number[] = [];
  let finished = 0;
  const checkRequests = (before: ReadonlyMap<string, RangeSet>): void => {
    for (const { path, range } of hub.requests.filter(isPart)) {
      const [, start, last] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
      const asked = { start: Number(start), end: Number(last) + 1 };
      const set = before.get(/\/blobs\/(\w+)/.exec(path)?.[1] ?? '') ?? [];
      expect(bytesIn(set) - bytesIn(removeRange(set, asked)), `journalled bytes in ${range}`).toBe(0);
    }
  };
  // The last pull is left alone: what a hundred kills left must come whole.
  while (lost.length < rounds || finished === 0) {
    const isLast = lost.length >= rounds;
    const before = await readJournals(blobs, sizes);
    hub.requests.length = 0;
    const child = spawn(process.execPath, [script, hub.url, cacheDir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines: string[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const killAt = isLast
      ? Number.POSITIVE_INFINITY
      : total(before) === 0
        ? 1
        : Math.ceil(random.next().value * 4000 * KiB);
    if (isLast) await ended;
    await Promise.race([
      ended,
      expect
        .poll(() => hub.bytesServed() >= killAt, { timeout: 20_000, interval: 1 })
        .toBe(true)
        .catch(() => {}),
    ]);
    child.kill('SIGKILL');
    await ended;
    checkRequests(before);
    const pulled = lines.find((line) => line.startsWith('pulled: '));
    if (pulled === undefined) {
      const after = await readJournals(blobs, sizes);
      expect(total(after)).toBeGreaterThanOrEqual(total(before));
      lost.push(hub.bytesServed() - (total(after) - total(before)));
      continue;
    }
    finished += 1;
    const { commit } = JSON.parse(pulled.slice('pulled: '.length)) as { commit: string };
    expect(await countProvedFiles(cacheDir, 'acme/tiny', commit)).toBe(6);
    await rm(cacheDir, { recursive: true, force: true });
  }
  const worst = Math.max(...lost);
  process.stdout.write(
    `kill -9: ${rounds} rounds, ${finished} pulls came whole in between; served and not journalled at a kill: ` +
      `at most ${Math.round(worst / KiB)} KiB, on average ${Math.round(lost.reduce((a, b) => a + b, 0) / rounds / KiB)} KiB; ` +
      `bound for ${connections} connections ${Math.round(owedAtMost / KiB)} KiB and what the sockets hold\n`,
  );
  // The server counts what it handed to the kernel: up to one part (256 KiB) a connection is in the sockets.
  expect(worst).toBeLessThanOrEqual(owedAtMost + connections * 256 * KiB);
  expect(finished).toBeGreaterThan(0);
});
