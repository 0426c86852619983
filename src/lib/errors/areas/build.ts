import { type CatalogueEntry, exitCodes } from '../exit-codes.ts';

export const buildErrors = {
  STEP_BUILD_PYTHON: { exit: exitCodes.preflight, when: 'no Python on PATH that the vLLM release runs on' },
  STEP_BUILD_VERSION: { exit: exitCodes.preflight, when: 'the package index has no such release of the package' },
  STEP_BUILD_INDEX: { exit: exitCodes.download, when: 'the package index cannot be reached' },
  STEP_BUILD_INSTALL: { exit: exitCodes.download, when: 'installing the Python packages failed' },
  STEP_BUILD_EMULATION: { exit: exitCodes.preflight, when: 'CPU emulation asked for with a CUDA build' },
  STEP_BUILD_BUSY: { exit: exitCodes.busy, when: 'another process has been building the same thing for too long' },
  STEP_BUILD_PROOF: { exit: exitCodes.patch, when: 'what was built does not hold what it should: a probe or a file hash says no' },
} as const satisfies Record<string, CatalogueEntry>;
