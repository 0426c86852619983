import { type CatalogueEntry, exitCodes } from '../exit-codes.ts';

export const buildErrors = {
  STEP_BUILD_PYTHON: { exit: exitCodes.preflight, when: 'no Python on PATH that the vLLM release runs on' },
  STEP_BUILD_VERSION: {
    exit: exitCodes.preflight,
    when: 'the package index has no such release of the package',
  },
  STEP_BUILD_INDEX: { exit: exitCodes.download, when: 'the package index cannot be reached' },
  STEP_BUILD_INSTALL: { exit: exitCodes.download, when: 'installing the Python packages failed' },
  STEP_BUILD_EMULATION: { exit: exitCodes.preflight, when: 'CPU emulation asked for with a CUDA build' },
  STEP_BUILD_BUSY: {
    exit: exitCodes.busy,
    when: 'another process has been building the same thing for too long',
  },
  STEP_BUILD_PROOF: {
    exit: exitCodes.patch,
    when: 'what was built does not hold what it should: a probe or a file hash says no',
  },
  STEP_BUILD_RUNTIME: {
    exit: exitCodes.patch,
    when: 'a process of the running engine is not what was built, or does not say what it is',
  },
  STEP_BUILD_BASE: {
    exit: exitCodes.preflight,
    when: 'the base image is none that a patched vLLM can be laid over',
  },
  STEP_BUILD_ROOT: {
    exit: exitCodes.preflight,
    when: 'no Debian root image for the CPU base, and none can be made here',
  },
  STEP_BUILD_PULL: { exit: exitCodes.download, when: 'an image could not be pulled from its registry' },
  STEP_BUILD_IMAGE: { exit: exitCodes.patch, when: 'Docker failed to build an image' },
  STEP_BUILD_RUN: { exit: exitCodes.patch, when: 'a command run inside an image did not end in time' },
} as const satisfies Record<string, CatalogueEntry>;
