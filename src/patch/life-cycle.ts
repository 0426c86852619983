import type { Patch } from './types.ts';

/** What a patch comes to on the base; `unknown` where nobody has measured it. */
export type OnBase = 'applies' | 'already-upstream' | 'not-needed' | 'conflict' | 'unknown';

export interface LifeCycleInput {
  readonly patch: Pick<Patch, 'id' | 'definition' | 'origin'>;
  /** Release of the base, e.g. `0.16.0`. */
  readonly base: string;
  readonly onBase: OnBase;
  /** The stack asks for it. */
  readonly isWanted: boolean;
  /** Releases on which it was seen to apply, oldest first. */
  readonly fits: readonly string[];
  /** GitHub's answer, where it was asked. */
  readonly fresh?:
    | {
        readonly state: 'open' | 'merged' | 'closed';
        readonly since: string | null;
        readonly isMoved: boolean;
      }
    | undefined;
}

export interface LifeCycle {
  readonly state: 'open' | 'merged' | 'closed' | 'superseded' | 'none';
  /** First release that has the change. */
  readonly since: string | null;
  /** One sentence on upstream. */
  readonly upstream: string;
  /** What to do, one sentence. */
  readonly advice: string;
}

/** Where a patch stands between upstream and this base, and what follows. Pure. */
export function describeLifeCycle(input: LifeCycleInput): LifeCycle {
  const upstream = describeUpstream(input);
  return { ...upstream, advice: advise(input, upstream) };
}

type Upstream = Omit<LifeCycle, 'advice'>;

function describeUpstream({ patch, fresh }: LifeCycleInput): Upstream {
  const known = patch.definition.upstream;
  if (known === undefined) {
    return { state: 'none', since: null, upstream: "stepctl's own; there is nothing of it upstream" };
  }
  const state = fresh?.state ?? known.state;
  // A release that solved it in another way is in the project only; GitHub cannot know.
  const since = fresh?.since ?? known.since;
  const when =
    fresh === undefined ? (known.asOf === undefined ? '' : ` (as of ${known.asOf})`) : ' (asked now)';
  const moved = fresh?.isMoved === true ? '; pushed to since it was added' : '';
  if (state !== 'merged' && known.supersededBy !== undefined) {
    return {
      state: 'superseded',
      since,
      upstream: `${state}, superseded by ${known.supersededBy}${when}${moved}`,
    };
  }
  const where = since === null ? (state === 'merged' ? ', in no release yet' : '') : `, in vLLM ${since}`;
  const own = state === 'closed' ? 'closed without a merge' : state;
  return { state, since, upstream: `${own}${where}${when}${moved}` };
}

function advise(input: LifeCycleInput, { since, state }: Upstream): string {
  const { patch, base, isWanted, onBase, fits } = input;
  const { definition } = patch;
  if (definition.kind === 'plugin') {
    return definition.testOnly
      ? 'for tests only; nothing to do'
      : 'a plugin changes no file; keep it while it is needed';
  }
  switch (onBase) {
    case 'applies':
      return adviseApplying(input, since, state);
    case 'already-upstream':
      return isWanted ? `drop it from patches: vLLM ${base} has it` : `nothing to do: vLLM ${base} has it`;
    case 'not-needed':
      return isWanted ? `drop it from patches: vLLM ${base} does not need it` : 'nothing to do on this base';
    case 'conflict': {
      const apply = fits.length === 0 ? '' : `; it applies to ${fits.join(', ')}`;
      const raise =
        since === null ? `use a base in ${definition.range}` : `raise the base to ${since} and drop it`;
      return `${raise}${apply}`;
    }
    case 'unknown':
      return 'not measured on this base: stepctl patch apply --to DIR --dry-run --only ' + patch.id;
  }
}

function adviseApplying(
  { patch, isWanted }: LifeCycleInput,
  since: string | null,
  state: Upstream['state'],
): string {
  if (isWanted) {
    if (since !== null) return `raise the base to ${since} and drop it; until then keep it`;
    return state === 'closed'
      ? 'keep it; upstream closed it, so no release will bring it'
      : 'keep it; no release has it yet';
  }
  const { id, definition } = patch;
  if (definition.optional) return `optional; where you need it: --set patches=[${id}]`;
  return `ask for it on this base: --set patches=[${id}]${since === null ? '' : `, or raise the base to ${since}`}`;
}
