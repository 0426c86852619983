import type { Patch } from '../types.ts';
import { connectGithub, type GithubInput } from './github.ts';
import { findFirstRelease, readPullRequest } from './pull-request.ts';
import { readReference } from './reference.ts';

/** What GitHub says of a patch's pull request now. */
export interface FreshUpstream {
  readonly state: 'open' | 'merged' | 'closed';
  readonly since: string | null;
  /** Head the patch was taken at is not the head any more. */
  readonly isMoved: boolean;
}

/** Asks for one patch after another; a failure is that patch's own. Patches without a pull request are left out. */
export async function refreshUpstream(
  patches: readonly Patch[],
  input: GithubInput,
): Promise<ReadonlyMap<string, FreshUpstream | Error>> {
  const answers = new Map<string, FreshUpstream | Error>();
  const octokit = await connectGithub(input);
  for (const { id, definition } of patches) {
    const reference = definition.upstream === undefined ? null : readReference(definition.upstream.url);
    if (reference === null || definition.upstream?.url.includes('/issues/') === true) continue;
    try {
      const pull = await readPullRequest(octokit, reference, input.signal);
      const since = await findFirstRelease(octokit, pull, input.signal);
      const pinned = definition.kind === 'diff' ? definition.source?.head : undefined;
      answers.set(id, { state: pull.state, since, isMoved: pinned !== undefined && pinned !== pull.head });
    } catch (error) {
      input.signal.throwIfAborted();
      answers.set(id, error instanceof Error ? error : new Error(String(error)));
    }
  }
  return answers;
}
