import { StepError } from '../../lib/index.ts';

const repoPattern = /^\w[\w.-]*\/\w[\w.-]*$/;

/** Checks OWNER/NAME before it becomes part of an address and of a folder name. Throws STEP_USAGE. */
export function checkRepo(repo: string): void {
  if (repoPattern.test(repo) && !repo.includes('..') && !repo.includes('--')) return;
  throw new StepError('STEP_USAGE', {
    verdict: `${JSON.stringify(repo)} is not a model repository`,
    reason: 'a repository is OWNER/NAME: letters, digits, ".", "_" and "-", without ".." or "--"',
    next: 'stepctl pull OWNER/NAME',
  });
}

export const isCommit = (revision: string): boolean => /^[0-9a-f]{40}$/.test(revision);

/** Checks a revision before it becomes a file under refs/. Throws STEP_USAGE. */
export function checkRevision(revision: string): void {
  if (unsafeReason(revision) === null && !/[\s~^:?*[\\]/.test(revision)) return;
  throw new StepError('STEP_USAGE', {
    verdict: `${JSON.stringify(revision)} is not a revision`,
    reason: 'a revision is a branch, a tag, refs/pr/N or a 40-hex commit',
    next: 'stepctl pull OWNER/NAME --revision main',
  });
}

/**
 * Why a path from the hub must not be joined to a folder; null when it is safe. Refuses what would leave the folder
 * on any system (huggingface_hub #4540): `..`, absolute, drive letter, UNC, backslash, NUL and control characters.
 */
export function unsafeReason(path: string): string | null {
  if (path === '') return 'it is empty';
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(path)) return 'it holds a control character';
  if (path.startsWith('/')) return 'it is absolute';
  if (path.includes('\\')) return 'it holds a backslash';
  if (/^[A-Za-z]:/.test(path)) return 'it starts with a drive letter';
  for (const segment of path.split('/')) {
    if (segment === '..') return 'it climbs out of the folder with ".."';
    if (segment === '' || segment === '.') return 'it holds an empty or "." segment';
    if (Buffer.byteLength(segment) > 255) return 'a segment is longer than 255 bytes';
  }
  return null;
}

/** Throws STEP_MODEL_NAME_UNSAFE for a file name that the hub must not have sent. */
export function checkFileName(path: string, repo: string): void {
  const reason = unsafeReason(path);
  if (reason === null) return;
  throw new StepError('STEP_MODEL_NAME_UNSAFE', {
    verdict: `the hub lists a file of ${repo} under the name ${JSON.stringify(path)}, which is refused`,
    reason: `${reason}; nothing was written`,
    next: 'do not use this repository, and tell the hub about it',
    details: { repo, path },
  });
}
