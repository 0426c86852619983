import { resolve } from 'node:path';
import { nearestName, StepError } from '../lib/index.ts';
import { defaultStack } from './defaults.ts';
import { checkLayer } from './layers/check-layer.ts';
import { describePlace, isMapping, type Layer, noPlace, type Problem } from './layers/layer.ts';
import { type Merged, mergeLayers } from './layers/merge-layers.ts';
import { layersFromEnvironment, layersFromSets } from './layers/setting-layers.ts';
import { problemsToError } from './problems.ts';
import { profileNames, readProfile } from './profiles.ts';
import { findClashes } from './rules.ts';
import { type Stack, stackSchema } from './schema.ts';
import { readStackFile } from './stack-file.ts';

export type DeepPartial<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { [K in keyof T]?: DeepPartial<T[K]> | undefined }
    : T;

export interface ResolveInput {
  /** From `--profile`; wins over STEPCTL_PROFILE and the file. */
  readonly profile?: string | undefined;
  /** From `-f`; null or absent looks for `stepctl.yaml` in `cwd`. */
  readonly file?: string | null | undefined;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Texts of `--set path.to.key=value`. */
  readonly sets: readonly string[];
  readonly flags: DeepPartial<Stack>;
  /** What stands after `--`: appended to `serve.extraArgs`. */
  readonly extraArgs: readonly string[];
  /** Asked only when nobody named a profile. */
  readonly pickProfile: () => Promise<{ readonly profile: string; readonly why: string }>;
}

export interface ResolvedStack {
  readonly stack: Stack;
  /** Dotted key → layer: `default`, `profile demo`, `stepctl.yaml:4`, `STEPCTL_PROXY_LISTEN`, `--set serve.name`, `flag`. */
  readonly sources: Map<string, string>;
  /** Why this profile: who named it, or what the machine lacks. */
  readonly profileReason: string;
  /** Absolute path of the stack file that took part. */
  readonly file: string | null;
}

interface ChosenProfile {
  readonly name: string;
  /** Layer that named it, for `sources`. */
  readonly source: string;
  readonly why: string;
  readonly layers: readonly Layer[];
  readonly problems: readonly Problem[];
}

/** undefined members are no values: `{name: undefined}` must not hide what a lower layer says. */
const dropUndefined = (value: unknown): unknown =>
  isMapping(value)
    ? Object.fromEntries(
        Object.entries(value)
          .filter(([, inner]) => inner !== undefined)
          .map(([name, inner]) => [name, dropUndefined(inner)]),
      )
    : value;

const profileOf = (layer: Layer): string | null => {
  const named = isMapping(layer.values) ? layer.values['profile'] : undefined;
  return typeof named === 'string' ? named : null;
};

const refuseProfile = (named: string, layer: Layer | null, known: readonly string[]): Problem => {
  const near = nearestName(named, known);
  const problem: Problem = {
    kind: layer?.kind ?? 'flag',
    where: layer === null ? '--profile' : describePlace(layer, ['profile']),
    key: 'profile',
    expected: `one of ${known.join(', ')}`,
    found: named,
    hint: near === null ? null : `did you mean ${near}?`,
  };
  if (layer?.kind === 'file') return problem;
  throw new StepError('STEP_STACK_PROFILE_UNKNOWN', {
    verdict: `there is no profile called ${named}`,
    reason: `${problem.where} names it; shipped are ${known.join(', ')}`,
    next: near === null ? 'stepctl config profiles' : `did you mean --profile ${near}?`,
    details: { profile: named, nearest: near, known },
  });
};

/** The profile that is named last, or what the machine suggests. `from` holds layers later-wins. */
async function chooseProfile(input: ResolveInput, from: readonly Layer[]): Promise<ChosenProfile> {
  const naming = from.findLast((layer) => profileOf(layer) !== null) ?? null;
  const named = input.profile ?? (naming === null ? null : profileOf(naming));
  const picked = named === null ? await input.pickProfile() : null;
  const name = named ?? picked?.profile ?? '';
  const known = await profileNames();
  if (!known.includes(name)) {
    const layer = input.profile === undefined ? naming : null;
    return { name, source: '', why: '', layers: [], problems: [refuseProfile(name, layer, known)] };
  }
  const { layer, problems } = await readProfile(name);
  const by =
    input.profile === undefined && naming !== null ? describePlace(naming, ['profile']) : '--profile';
  const source = picked === null ? by : 'picked for this machine';
  return { name, source, why: picked?.why ?? `named by ${by}`, layers: [layer], problems };
}

const appendExtraArgs = (merged: Merged, extraArgs: readonly string[]): void => {
  const serve = merged.values['serve'];
  if (extraArgs.length === 0 || !isMapping(serve)) return;
  const before = Array.isArray(serve['extraArgs']) ? (serve['extraArgs'] as unknown[]) : [];
  const source = merged.sources.get('serve.extraArgs') ?? 'default';
  serve['extraArgs'] = [...before, ...extraArgs];
  merged.sources.set('serve.extraArgs', before.length === 0 ? 'after --' : `${source}, after --`);
};

const clashProblems = (stack: Stack, merged: Merged): Problem[] =>
  findClashes(stack).map((clash) => {
    const owner = merged.owners.get(clash.key);
    // A clash with a mere default is the doing of whoever set the other value: reported as a setting.
    const kind = owner === undefined || owner.kind === 'default' ? 'set' : owner.kind;
    return {
      kind,
      where: owner === undefined ? clash.key : describePlace(owner, clash.key.split('.')),
      ...clash,
    };
  });

/** `{vllm}` in the image, an absolute folder, and a folder wins over the repository that the profile names. */
const settle = (stack: Stack, cwd: string): Stack => ({
  ...stack,
  engine: { ...stack.engine, image: stack.engine.image?.replaceAll('{vllm}', stack.engine.vllm) ?? null },
  model:
    stack.model.path === null
      ? stack.model
      : { ...stack.model, repo: null, path: resolve(cwd, stack.model.path) },
});

/**
 * Merges built-in defaults < profile < stack file < STEPCTL_* variables < --set and flags into one checked stack.
 * Throws one StepError that lists every problem of every layer (STEP_STACK_INVALID for files,
 * STEP_STACK_SETTING_INVALID for the command line and the environment).
 */
export async function resolveStack(input: ResolveInput): Promise<ResolvedStack> {
  const file = await readStackFile(input.file ?? null, input.cwd);
  const environment = layersFromEnvironment(input.env);
  const sets = layersFromSets(input.sets);
  const flags: Layer = { kind: 'flag', label: 'flag', values: dropUndefined(input.flags), locate: noPlace };
  const given = [...(file === null ? [] : [file.layer]), ...environment.layers, ...sets.layers, flags];
  const profile = await chooseProfile(input, given);
  const layers = [...profile.layers, ...given];
  const problems = [
    ...profile.problems,
    ...(file?.problems ?? []),
    ...environment.problems,
    ...sets.problems,
    ...layers.flatMap(checkLayer),
  ];
  if (problems.length > 0) throw problemsToError(problems);

  const base: Layer = { kind: 'default', label: 'default', values: defaultStack, locate: noPlace };
  const merged = mergeLayers([base, ...layers]);
  merged.values['profile'] = profile.name;
  merged.sources.set('profile', profile.source);
  appendExtraArgs(merged, input.extraArgs);
  const stack = settle(stackSchema.parse(merged.values), input.cwd);
  const clashes = clashProblems(stack, merged);
  if (clashes.length > 0) throw problemsToError(clashes);
  return { stack, sources: merged.sources, profileReason: profile.why, file: file?.path ?? null };
}
