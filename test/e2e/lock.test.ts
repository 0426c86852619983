import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openSandbox } from './stepctl.ts';

it('up writes the lock it lacks, heeds it afterwards, and --frozen runs nothing else (exit 10)', async () => {
  const box = await openSandbox();
  delete box.env['CI'];
  const file = join(box.dir, 'state/stepctl/default/demo.lock');
  const up = (...args: string[]) => box.run('up', '-d', '--profile', 'demo', '--no-hello', ...args);
  try {
    expect(await up('--frozen')).toMatchObject({
      code: 10,
      stderr: expect.stringContaining('there is no lock'),
    });
    const first = await up();
    expect(first.code, first.stderr).toBe(0);
    const written = await readFile(file, 'utf8');
    expect(written).toContain('schema: stepctl/lock/1');
    await box.run('down');

    const other = ['--set', 'serve.maxModelLen=2048'];
    const frozen = await up('--frozen', ...other);
    expect(frozen.code).toBe(10);
    expect(frozen.stderr).toMatch(/proof 1 of 3 \(lock\) failed[\s\S]*2048/);
    const check = await box.run('lock', '--check', '--profile', 'demo', ...other);
    expect([check.code, check.stdout]).toEqual([10, expect.stringContaining('now 2048')]);
    expect(await readFile(file, 'utf8')).toBe(written);

    await writeFile(file, written.replace('profile: demo', 'profile: demo2'));
    expect(await up()).toMatchObject({ code: 2, stderr: expect.stringContaining('edited by hand') });
    expect((await box.run('lock', '--profile', 'demo')).code).toBe(0);
    expect((await up('--frozen')).code).toBe(0);
  } finally {
    await box.close();
  }
});
