import { type CatalogueEntry, exitCodes } from '../exit-codes.ts';

export const patchErrors = {
  STEP_PATCH_SERIES: {
    exit: exitCodes.patch,
    when: 'patches/series.yaml or a patch.yaml is missing or not as its schema says',
  },
  STEP_PATCH_UNKNOWN: { exit: exitCodes.patch, when: 'a stack names a patch that the series does not hold' },
  STEP_PATCH_TREE: {
    exit: exitCodes.patch,
    when: 'the folder to patch holds no vllm/, or its release cannot be told',
  },
  STEP_PATCH_ANCHOR: {
    exit: exitCodes.patch,
    when: 'the place an edit is anchored to is gone or stands there more than once',
  },
  STEP_PATCH_DIFF: {
    exit: exitCodes.patch,
    when: 'a unified diff cannot be read, or does more than change and add modules inside vllm/',
  },
  STEP_PATCH_RANGE: {
    exit: exitCodes.patch,
    when: 'a patch was asked for on a release that it is not made for and that does not have it',
  },
  STEP_PATCH_WHEEL: { exit: exitCodes.patch, when: 'the wheel of a release cannot be fetched or read' },
  STEP_PATCH_UPSTREAM: {
    exit: exitCodes.patch,
    when: 'GitHub does not answer, refuses, or does not know the pull request',
  },
  STEP_PATCH_ADD: {
    exit: exitCodes.patch,
    when: 'a pull request holds nothing that a patch of an installed vLLM can be made of',
  },
  STEP_PATCH_CHANGED: { exit: exitCodes.patch, when: 'a patched file was changed since by somebody else' },
} as const satisfies Record<string, CatalogueEntry>;
