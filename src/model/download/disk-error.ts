import { StepError } from '../../lib/index.ts';

const full: Readonly<Record<string, string>> = {
  ENOSPC: 'the file system is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file system does not allow a file of this size',
};

const closed: Readonly<Record<string, string>> = {
  EROFS: 'the file system is mounted read-only',
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
};

// libuv has no name for it: the error comes as "Unknown system error -122".
const edquotErrno: Readonly<Record<string, number>> = { linux: -122, darwin: -69 };

function codeOf(error: unknown): string {
  const { code, errno } = (error ?? {}) as NodeJS.ErrnoException;
  return errno !== undefined && errno === edquotErrno[process.platform] ? 'EDQUOT' : (code ?? '');
}

/** Names a failure of the file system under the cache; anything else is returned as it is. */
export function namedDiskError(error: unknown, path: string): unknown {
  const code = codeOf(error);
  if (full[code] !== undefined || code === 'EIO')
    return new StepError('STEP_MODEL_DISK', {
      verdict: `cannot write ${path}`,
      reason: `${full[code] ?? 'the disk reports an input/output error'} (${code}); everything journalled is kept`,
      next: 'make room, then run the same command again: it goes on where it stopped',
      details: { path, code },
      cause: error,
    });
  if (closed[code] === undefined) return error;
  return new StepError('STEP_MODEL_CACHE_UNWRITABLE', {
    verdict: `cannot write the model cache at ${path}`,
    reason: `${closed[code]} (${code})`,
    next: 'set HF_HUB_CACHE to a folder that this user may write, or change its owner',
    details: { path, code },
    cause: error,
  });
}
