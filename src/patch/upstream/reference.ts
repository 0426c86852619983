import { StepError } from '../../lib/index.ts';

/** A pull request on GitHub. */
export interface PullReference {
  readonly owner: string;
  readonly repo: string;
  readonly number: number;
}

const vllm = { owner: 'vllm-project', repo: 'vllm' } as const;
const name = '[A-Za-z0-9_.-]+';
const forms = [
  new RegExp(
    `^https?://github\\.com/(?<owner>${name})/(?<repo>${name})/(?:pull|issues)/(?<number>\\d+)(?:[/?#].*)?$`,
  ),
  new RegExp(`^(?<owner>${name})/(?<repo>${name})#(?<number>\\d+)$`),
  /^#?(?<number>\d+)$/,
];

/** Reads `34478`, `#34478`, `owner/repo#34478` or the address of a pull request. Null for anything else. */
export function readReference(text: string): PullReference | null {
  for (const form of forms) {
    const groups = form.exec(text.trim())?.groups;
    if (groups === undefined) continue;
    const number = Number(groups['number']);
    if (!Number.isSafeInteger(number) || number < 1) return null;
    return { owner: groups['owner'] ?? vllm.owner, repo: groups['repo'] ?? vllm.repo, number };
  }
  return null;
}

/** The same, or STEP_USAGE. */
export function requireReference(text: string): PullReference {
  const reference = readReference(text);
  if (reference !== null) return reference;
  throw new StepError('STEP_USAGE', {
    verdict: `${text} names no pull request`,
    reason:
      'a number means one of vllm-project/vllm; elsewhere it is owner/repo#N or its address on github.com',
    next: 'stepctl patch add 34478',
  });
}

export const nameOf = ({ owner, repo, number }: PullReference): string => `${owner}/${repo}#${number}`;
