import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StepError } from '../../lib/index.ts';
import { parseDiff } from '../diffs/parse.ts';
import { sha256 } from '../hash.ts';
import type { DiffPatchFile } from '../schema.ts';
import { addedPatchesDir, loadSeries } from '../series.ts';
import { connectGithub, type GithubInput } from '../upstream/github.ts';
import {
  findFirstRelease,
  type PullRequest,
  readPullDiff,
  readPullRequest,
} from '../upstream/pull-request.ts';
import { nameOf, type PullReference } from '../upstream/reference.ts';
import { type Sorted, sortDiff } from './classify.ts';
import { renderReadme } from './readme.ts';
import { writePatchFolder } from './write-folder.ts';

export interface AddInput extends GithubInput {
  readonly reference: PullReference;
  /** Folder of the series; the user's own when absent. */
  readonly into?: string | undefined;
  readonly id?: string | undefined;
  /** Releases it is for; every one when absent. */
  readonly range?: string | undefined;
  /** Takes the place of a patch of the same id. */
  readonly again: boolean;
}

export interface AddedPatch {
  readonly folder: string;
  readonly definition: DiffPatchFile;
  readonly leftOut: Sorted['leftOut'];
  /** The same diff was there already; nothing was written. */
  readonly isUnchanged: boolean;
}

const diffFile = 'change.diff';

/**
 * Makes a patch of a pull request: its diff at the head commit, run-time modules only, pinned by sha256. Throws
 * STEP_PATCH_UPSTREAM for what GitHub does not give, STEP_PATCH_ADD for a change that no patch of an installed vLLM
 * can carry, STEP_PATCH_DIFF. Nothing is written before all of it is known to be usable.
 */
export async function addPatch(input: AddInput): Promise<AddedPatch> {
  const octokit = await connectGithub(input);
  const pull = await readPullRequest(octokit, input.reference, input.signal);
  const { names, text } = await readPullDiff(octokit, pull, input.signal);
  const sorted = sortDiff(text, nameOf(input.reference));
  requireWhole(names, sorted, pull);
  requireUsable(sorted, pull);
  parseDiff(sorted.text, nameOf(input.reference));
  const since = await findFirstRelease(octokit, pull, input.signal);
  const folder = input.into ?? addedPatchesDir(input.env);
  const definition = define(input, pull, sorted, since);
  const earlier = await pinnedBefore(folder, definition.id);
  const isUnchanged = earlier === definition.diff.sha256;
  if (earlier !== null && !isUnchanged && !input.again) throw existsError(folder, definition, earlier);
  const target = isUnchanged
    ? join(folder, definition.id)
    : await writePatchFolder({
        folder,
        definition,
        diff: sorted.text,
        readme: renderReadme(pull, definition, sorted),
      });
  // What was written is read as every later command will read it.
  await loadSeries(folder, 'added');
  return { folder: target, definition, leftOut: sorted.leftOut, isUnchanged };
}

function define(input: AddInput, pull: PullRequest, sorted: Sorted, since: string | null): DiffPatchFile {
  const { owner, repo, number } = input.reference;
  const prefix = owner === 'vllm-project' && repo === 'vllm' ? '' : `${owner}-${repo}-`;
  return {
    id: input.id ?? `${prefix}pr-${number}`.toLowerCase().replaceAll(/[^a-z0-9-]/g, '-'),
    title: pull.title,
    kind: 'diff',
    optional: true,
    range: input.range ?? '*',
    upstream: { url: pull.url, state: pull.state, since, asOf: new Date().toISOString().slice(0, 10) },
    source: { repository: `${owner}/${repo}`, number, head: pull.head },
    diff: { file: diffFile, sha256: sha256(sorted.text) },
    leftOut: sorted.leftOut.map(({ path }) => path),
  };
}

/** Names and diff come from two requests; a diff that GitHub cut short must not pass for the whole. */
function requireWhole(names: readonly string[], sorted: Sorted, pull: PullRequest): void {
  const seen = new Set([...sorted.kept, ...sorted.native, ...sorted.leftOut.map(({ path }) => path)]);
  const missing = names.filter((name) => !seen.has(name));
  if (missing.length === 0 && seen.size === names.length) return;
  throw new StepError('STEP_PATCH_UPSTREAM', {
    verdict: `the diff of ${nameOf(pull.reference)} is not whole`,
    reason: `it holds ${seen.size} of ${names.length} files${missing[0] === undefined ? '' : `; ${missing[0]} is not among them`}`,
    next: 'try again; a pull request too large for GitHub to show cannot be added',
  });
}

function requireUsable(sorted: Sorted, pull: PullRequest): void {
  const refuse = (reason: string, next: string): StepError =>
    new StepError('STEP_PATCH_ADD', { verdict: `${nameOf(pull.reference)} cannot be a patch`, reason, next });
  if (sorted.native.length > 0) {
    const rest = sorted.native.length > 1 ? ` and ${sorted.native.length - 1} more` : '';
    throw refuse(
      `it changes native sources (${sorted.native[0] ?? ''}${rest}); stepctl patches an installed vLLM, whose kernels are compiled`,
      'use a release that has it (--set engine.vllm=…), an image built from that commit (--set engine.image=…), or describe its Python part as edits',
    );
  }
  if (sorted.unfit.length > 0) {
    throw refuse(
      sorted.unfit.join('; '),
      'describe the change as edits, or as a plugin (ARCHITECTURE.md, how to add a patch)',
    );
  }
  if (sorted.kept.length === 0) {
    throw refuse(
      `none of its ${sorted.leftOut.length} files is a module of vLLM at run time`,
      'there is nothing to patch: leave it out',
    );
  }
}

async function pinnedBefore(folder: string, id: string): Promise<string | null> {
  const file = join(folder, id, diffFile);
  return existsSync(file) ? sha256(await readFile(file)) : null;
}

const existsError = (folder: string, { id, source }: DiffPatchFile, earlier: string): StepError =>
  new StepError('STEP_PATCH_ADD', {
    verdict: `${join(folder, id)} is there with another diff`,
    reason: `the one there has sha256 ${earlier.slice(0, 12)}…; the head of the pull request is ${source?.head.slice(0, 12) ?? ''} now`,
    next: `compare, then stepctl patch add ${source?.number ?? ''} --again, or --id NAME for a second patch`,
  });
