import type { ModelFacts } from '../../model/index.ts';
import type { Stack } from '../../stack/schema.ts';
import type { Artefact } from './artefact.ts';

const patchId = 'swiglustep-nvfp4-moe';
const isIn = new Set(['applied', 'applies', 'already-upstream', 'not-needed']);

/**
 * What an engine that answers nonsense most likely lacks. vLLM before 0.17.0 skips per-expert NVFP4 tensors without a word
 * and serves experts that were never written (vLLM PR #34478 brought the loader). null where nothing is known. Pure.
 */
export function wrongAnswerHint(
  stack: Stack,
  artefact: Artefact,
  facts: ModelFacts,
  isBefore: (a: string, b: string) => boolean,
): string | null {
  if (!facts.perExpertNvfp4 || !isBefore(stack.engine.vllm, '0.17.0')) return null;
  if (artefact.patches.some((patch) => patch.id === patchId && isIn.has(patch.outcome))) return null;
  return `patch ${patchId} is missing: vLLM ${stack.engine.vllm} skips the per-expert NVFP4 tensors of this checkpoint without a word and serves experts that were never written; add it with --set patches=[${patchId}], or use vLLM 0.17.0 or newer`;
}
