import { describe, expect, it } from 'vitest';
import { judgeRange } from '../../../src/model/download/content-range.ts';
import { judgeOwner, type Owner } from '../../../src/model/download/owner-lock.ts';
import { globToRegExp, selectFiles } from '../../../src/model/download/patterns.ts';
import { checkRoom, formatBytes, planPull, renderPlan } from '../../../src/model/download/plan.ts';
import { createRateMeter, etaMs } from '../../../src/model/download/rate.ts';
import { isStalled } from '../../../src/model/download/stall-watch.ts';

const answer = { status: 206, contentRange: 'bytes 10-19/100', contentLength: '10', contentEncoding: null };

describe('an answer to bytes 10-19 of 100', () => {
  it.each([
    ['206 that fits', {}, 'part'],
    ['206 without a length', { contentLength: null }, 'part'],
    ['206 without Content-Range', { contentRange: null }, 'broken'],
    ['206 from another start', { contentRange: 'bytes 11-19/100' }, 'broken'],
    ['206 to another end', { contentRange: 'bytes 10-18/100' }, 'broken'],
    ['206 of another total', { contentRange: 'bytes 10-19/101' }, 'broken'],
    ['206 of unknown total', { contentRange: 'bytes 10-19/*' }, 'broken'],
    ['206 with another length', { contentLength: '9' }, 'broken'],
    ['206 encoded', { contentEncoding: 'gzip' }, 'broken'],
    ['200 whole', { status: 200, contentRange: null, contentLength: '100' }, 'whole'],
    ['200 of another length', { status: 200, contentRange: null, contentLength: '90' }, 'broken'],
    ['204', { status: 204 }, 'broken'],
  ])('%s is %s', (_, change, expected) => {
    expect(judgeRange({ ...answer, ...change }, { start: 10, end: 20 }, 100).kind).toBe(expected);
  });
});

const owner: Owner = { schema: 'stepctl/owner/1', id: 'x', pid: 7, host: 'here', started: '100', since: '' };

describe('an owner of the lock', () => {
  it.each([
    ['running here', owner, { host: 'here', silentMs: 0, startOf: '100' }, 'alive'],
    ['gone from here', owner, { host: 'here', silentMs: 0, startOf: null }, 'dead'],
    ['whose pid is used again', owner, { host: 'here', silentMs: 0, startOf: '999' }, 'dead'],
    ['on another host, with a heartbeat', owner, { host: 'there', silentMs: 30_000, startOf: null }, 'alive'],
    ['on another host, silent for long', owner, { host: 'there', silentMs: 91_000, startOf: null }, 'dead'],
    ['nobody can read', null, { host: 'here', silentMs: 0, startOf: null }, 'alive'],
    ['nobody can read, silent for long', null, { host: 'here', silentMs: 91_000, startOf: null }, 'dead'],
  ] as const)('%s is %s', (_, who, here, expected) => {
    expect(judgeOwner(who, here)).toBe(expected);
  });
});

describe('patterns', () => {
  it.each([
    ['*.safetensors', 'a/b.safetensors', true],
    ['*.json', 'a.jsonl', false],
    ['model-?.bin', 'model-1.bin', true],
    ['model-[0-2].bin', 'model-3.bin', false],
    ['model-[!0-2].bin', 'model-3.bin', true],
    ['sub/', 'sub/x/y', true],
    ['a.b', 'aXb', false],
  ])('%s on %s: %s', (glob, path, expected) => {
    expect(globToRegExp(glob).test(path)).toBe(expected);
  });

  it('take what any allow wants and no ignore forbids', () => {
    const files = ['a.json', 'b.json', 'c.bin'].map((path) => ({
      path,
      sizeBytes: 1,
      gitOid: '',
      lfsSha256: null,
      xetHash: null,
    }));
    expect(selectFiles(files, { allow: ['*.json'], ignore: ['b*'] }).map((f) => f.path)).toEqual(['a.json']);
    expect(selectFiles(files, undefined)).toHaveLength(3);
  });
});

describe('a plan', () => {
  const file = { path: 'x', sizeBytes: 1 << 30, gitOid: '', lfsSha256: null, xetHash: null };
  const plan = (freeBytes: number) =>
    planPull({
      repo: 'a/b',
      commit: 'c'.repeat(40),
      files: 3,
      freeBytes,
      stocked: [
        { file, stock: { kind: 'partial', storedBytes: 1 << 29 } },
        { file, stock: { kind: 'unproved' } },
        { file, stock: { kind: 'missing' } },
      ],
    });

  it('says in one line what is there and what is not', () => {
    expect(renderPlan(plan(5 * 2 ** 30))).toBe(
      'a/b at cccccccccccc: 3 files, 3.00 GiB, present 1.50 GiB, to fetch 1.50 GiB, to prove 1.00 GiB, free 5.00 GiB',
    );
  });

  it('that does not fit is refused with the exact shortfall', () => {
    expect(() => checkRoom(plan(2 ** 30), '/cache')).toThrow(
      expect.objectContaining({
        code: 'STEP_DISK_FULL',
        verdict: 'a/b does not fit: 576 MiB are missing on the file system of /cache',
        details: expect.objectContaining({ shortfallBytes: (1 << 29) + (64 << 20) }) as unknown,
      }),
    );
    expect(() => checkRoom(plan(2 * 2 ** 30), '/cache')).not.toThrow();
  });

  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1536, '1.50 KiB'],
    [4_600_000_000, '4.28 GiB'],
  ])('writes %i bytes as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe('rate and stall', () => {
  it('count only what came in the window', () => {
    let now = 0;
    const meter = createRateMeter(() => now, 4000);
    meter.add(1000);
    expect(meter.perSecond()).toBeNull();
    now = 2000;
    meter.add(1000);
    expect(meter.perSecond()).toBe(1000);
    now = 7000;
    expect(meter.perSecond()).toBe(0);
    expect(meter.total()).toBe(2000);
    expect(etaMs(5000, 1000)).toBe(5000);
    expect(etaMs(5000, 0)).toBeNull();
  });

  it.each([
    [999, 0, 'too-early'],
    [1000, 0, 'stalled'],
    [1000, 99, 'stalled'],
    [1000, 100, 'moving'],
  ] as const)('after %i ms with %i bytes a connection is %s', (atMs, bytes, expected) => {
    expect(isStalled({ atMs: 0, bytes: 0 }, { atMs, bytes }, { bytesPerSecond: 100, windowMs: 1000 })).toBe(
      expected,
    );
  });
});
