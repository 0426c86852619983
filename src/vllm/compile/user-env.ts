import type { Stack } from '../../stack/index.ts';
import type { ResolvedRelease } from '../releases.ts';
import type { CompiledItem } from '../types.ts';
import { type Outcome, variable } from './context.ts';
import { explainUnknown } from './unknown-name.ts';

const warnOfVariable = (name: string, release: ResolvedRelease): string[] => {
  const { facts, asked, version } = release;
  const row = facts.variables[name];
  if (row?.deprecated !== undefined)
    return [`${name} is deprecated in vLLM ${version}, to be dropped by ${row.deprecated}`];
  if (row !== undefined || !name.startsWith('VLLM_')) return [];
  return [`${name} is not known to vLLM ${asked}, which ignores it: ${explainUnknown(name, release).reason}`];
};

/** The person's variables win; one that changes what stepctl set, or that the release ignores, is told. Pure. */
export function applyUserEnv(
  compiled: readonly CompiledItem[],
  env: Stack['serve']['env'],
  release: ResolvedRelease,
): Outcome {
  const warnings = Object.entries(env).flatMap(([name, value]) => {
    const own = compiled.find((item) => item.kind === 'env' && item.name === name);
    if (own !== undefined && own.value !== value)
      return [`serve.env.${name} overrides what ${own.because} asks for`];
    if (name === 'VLLM_SERVER_DEV_MODE' && value !== '0') {
      return ['serve.env.VLLM_SERVER_DEV_MODE opens control endpoints without a key on the engine'];
    }
    return warnOfVariable(name, release);
  });
  const items = Object.entries(env).map(([name, value]) => variable(name, value, `serve.env.${name}`));
  return { items, warnings };
}
