import { type CatalogueEntry, exitCodes } from '../exit-codes.ts';

export const vllmErrors = {
  STEP_VLLM_RELEASE_UNSUPPORTED: {
    exit: exitCodes.usage,
    when: 'the vLLM release is older than the first one that knows the architecture',
  },
  STEP_VLLM_INTENT_UNSUPPORTED: {
    exit: exitCodes.usage,
    when: 'a setting asks for something that the pinned vLLM release cannot do',
  },
  STEP_VLLM_ARGUMENT_RESERVED: {
    exit: exitCodes.usage,
    when: 'an extra vLLM argument sets what stepctl itself has to set, such as the address',
  },
  STEP_VLLM_INTENT_NOT_IN_EFFECT: {
    exit: exitCodes.engine,
    when: 'the log of the started engine shows that it does not do what the stack asks for',
  },
  STEP_VLLM_ARGUMENT_UNKNOWN: {
    exit: exitCodes.usage,
    when: 'an extra vLLM argument is not known to the pinned release',
  },
  STEP_VLLM_ARGUMENT_INVALID: {
    exit: exitCodes.usage,
    when: 'an extra vLLM argument has a value that the pinned release refuses, or none where it needs one',
  },
} as const satisfies Record<string, CatalogueEntry>;
