import type { Stack } from '../../stack/index.ts';
import { isWithin } from '../../vllm/index.ts';

/** CUDA that a build of vLLM was made for, and how that is known. */
export interface BuildCuda {
  readonly version: '12.9' | '13.0' | string;
  readonly because: string;
}

/**
 * Images turned their suffixes around at 0.20.0: before it the plain tag is CUDA 12.9 and `-cu130` is 13.0, from it on
 * the plain tag is 13.0 and `-cu129` is 12.9. The default wheel changed with it (vllm#42738).
 */
const defaultCuda = (vllm: string): string => (isWithin(vllm, '0.20.0', null) ? '13.0' : '12.9');

/** What the stack's build needs; null where nobody can know (an image of another name, a digest alone). Pure. */
export function cudaOfBuild(stack: Stack): BuildCuda | null {
  const { driver, vllm } = stack.engine;
  if (driver !== 'docker')
    return { version: defaultCuda(vllm), because: `the default wheel of vLLM ${vllm}` };
  const image = (stack.engine.image ?? '').replaceAll('{vllm}', vllm);
  const suffix = /-cu(\d{2})(\d)(?:\b|$)/.exec(image);
  if (suffix !== null) return { version: `${suffix[1] ?? ''}.${suffix[2] ?? ''}`, because: `image ${image}` };
  const tag = /^(?:docker\.io\/)?vllm\/vllm-openai:v(\d+\.\d+\.\d+)$/.exec(image.replace(/@sha256:.*$/, ''));
  if (tag === null) return null;
  return { version: defaultCuda(tag[1] ?? ''), because: `image ${image}` };
}

/** Lowest driver by CUDA major: within a major, older drivers run newer minors (CUDA's minor version compatibility). */
const lowestDrivers: Readonly<Record<string, number>> = { '11': 450, '12': 525, '13': 580 };

/** Blackwell cards are unknown to drivers before 570. */
const blackwellDriver = 570;

/** Lowest driver major for this CUDA on these GPUs; null for a CUDA that is not in the table. Pure. */
export function lowestDriver(cuda: string, capabilities: readonly (string | null)[]): number | null {
  const lowest = lowestDrivers[cuda.split('.')[0] ?? ''];
  if (lowest === undefined) return null;
  const blackwell = capabilities.some((one) => Number(one ?? 0) >= 10);
  return blackwell ? Math.max(lowest, blackwellDriver) : lowest;
}
