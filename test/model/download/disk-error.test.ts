import { describe, expect, it } from 'vitest';
import { namedDiskError } from '../../../src/model/download/disk-error.ts';

describe('a failure of the file system', () => {
  it.each([
    ['ENOSPC', 'STEP_MODEL_DISK', 5],
    ['EDQUOT', 'STEP_MODEL_DISK', 5],
    ['EIO', 'STEP_MODEL_DISK', 5],
    ['EROFS', 'STEP_MODEL_CACHE_UNWRITABLE', 2],
    ['EACCES', 'STEP_MODEL_CACHE_UNWRITABLE', 2],
  ])('%s is %s, exit %i', (code, expected, exitCode) => {
    const named = namedDiskError(Object.assign(new Error(code), { code }), '/cache/x');
    expect(named).toMatchObject({
      code: expected,
      exitCode,
      verdict: expect.stringContaining('/cache/x') as unknown,
    });
  });

  it.runIf(process.platform === 'linux')('of a quota is named although libuv has no name for it', () => {
    const error = Object.assign(new Error('x'), { code: 'Unknown system error -122', errno: -122 });
    expect(namedDiskError(error, '/cache/x')).toMatchObject({
      code: 'STEP_MODEL_DISK',
      reason: expect.stringContaining('the disk quota is used up (EDQUOT)') as unknown,
    });
  });

  it('of another kind stays what it is', () => {
    const error = new Error('other');
    expect(namedDiskError(error, '/x')).toBe(error);
  });
});
