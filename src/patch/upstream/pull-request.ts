import type { Octokit } from 'octokit';
import semver from 'semver';
import { StepError } from '../../lib/index.ts';
import { githubError } from './github.ts';
import { nameOf, type PullReference } from './reference.ts';

export interface PullRequest {
  readonly reference: PullReference;
  readonly title: string;
  readonly url: string;
  readonly state: 'open' | 'merged' | 'closed';
  /** Commit on the main line, of a merged one. */
  readonly mergeCommit: string | null;
  readonly mergedAt: string | null;
  readonly head: string;
  readonly base: string;
}

/** Ask for the pull request. Throws STEP_PATCH_UPSTREAM. */
export async function readPullRequest(
  octokit: Octokit,
  reference: PullReference,
  signal: AbortSignal,
): Promise<PullRequest> {
  const { owner, repo, number } = reference;
  try {
    const { data } = await octokit.rest.pulls.get({ owner, repo, pull_number: number });
    const isMerged = data.merged_at !== null;
    return {
      reference,
      title: data.title,
      url: data.html_url,
      state: isMerged ? 'merged' : data.state === 'open' ? 'open' : 'closed',
      mergeCommit: isMerged ? data.merge_commit_sha : null,
      mergedAt: data.merged_at,
      head: data.head.sha,
      base: data.base.sha,
    };
  } catch (error) {
    throw githubError(error, `pull request ${nameOf(reference)}`, signal);
  }
}

/**
 * The whole diff between the pull request's two commits, by their hashes: a push while it is read cannot mix two states.
 * Names and diff are asked for apart and compared; a second look at the head tells a push in between. Throws
 * STEP_PATCH_UPSTREAM.
 */
export async function readPullDiff(octokit: Octokit, pull: PullRequest, signal: AbortSignal) {
  const { owner, repo, number } = pull.reference;
  let names: string[];
  let text: string;
  try {
    const files = await octokit.paginate(octokit.rest.pulls.listFiles, {
      owner,
      repo,
      pull_number: number,
      per_page: 100,
    });
    names = files.map((file) => file.filename);
    const { data } = await octokit.request('GET /repos/{owner}/{repo}/compare/{basehead}', {
      owner,
      repo,
      basehead: `${pull.base}...${pull.head}`,
      mediaType: { format: 'diff' },
    });
    text = textOf(data);
  } catch (error) {
    throw githubError(error, `the diff of ${nameOf(pull.reference)}`, signal);
  }
  const again = await readPullRequest(octokit, pull.reference, signal);
  if (again.head !== pull.head) {
    throw new StepError('STEP_PATCH_UPSTREAM', {
      verdict: `${nameOf(pull.reference)} was pushed to while it was read`,
      reason: `its head moved from ${pull.head.slice(0, 12)} to ${again.head.slice(0, 12)}`,
      next: `stepctl patch add ${pull.url}`,
    });
  }
  return { names, text };
}

/** With a media type of its own the answer is text, or bytes where the server names no character set. */
function textOf(data: unknown): string {
  if (typeof data === 'string') return data;
  if (data instanceof ArrayBuffer) return new TextDecoder().decode(data);
  throw new StepError('STEP_PATCH_UPSTREAM', {
    verdict: 'GitHub answered with something else than a diff',
    reason: `it is ${typeof data}`,
    next: 'try again later, or unset GITHUB_API_URL',
  });
}

/** Releases asked about, at most: each costs a request. */
const releasesAsked = 12;

/** The first final release that contains the merged commit, e.g. `0.17.0`; null while none does. Throws STEP_PATCH_UPSTREAM. */
export async function findFirstRelease(
  octokit: Octokit,
  pull: PullRequest,
  signal: AbortSignal,
): Promise<string | null> {
  const { mergeCommit, mergedAt } = pull;
  const { owner, repo } = pull.reference;
  if (mergeCommit === null || mergedAt === null) return null;
  try {
    const releases = await octokit.paginate(octokit.rest.repos.listReleases, { owner, repo, per_page: 100 });
    const later = releases
      .filter((one) => !one.draft && !one.prerelease && (one.published_at ?? '') >= mergedAt)
      .map((one) => one.tag_name)
      .filter((tag) => semver.valid(tag) !== null)
      .toSorted(semver.compare)
      .slice(0, releasesAsked);
    for (const tag of later) {
      const basehead = `${tag}...${mergeCommit}`;
      const { data } = await octokit.rest.repos.compareCommitsWithBasehead({ owner, repo, basehead });
      // The commit is no news to the tag: it is in it.
      if (data.status === 'behind' || data.status === 'identical') return tag.replace(/^v/, '');
    }
    return null;
  } catch (error) {
    throw githubError(error, `the releases of ${owner}/${repo}`, signal);
  }
}
