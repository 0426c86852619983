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
  STEP_PATCH_CHANGED: { exit: exitCodes.patch, when: 'a patched file was changed since by somebody else' },
} as const satisfies Record<string, CatalogueEntry>;
