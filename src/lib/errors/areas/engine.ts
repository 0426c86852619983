import { type CatalogueEntry, exitCodes } from '../exit-codes.ts';

export const engineErrors = {
  STEP_ENGINE_PROGRAM_MISSING: { exit: exitCodes.preflight, when: 'the program that starts the engine is not there' },
  STEP_ENGINE_SOCKET_PATH: {
    exit: exitCodes.preflight,
    when: 'no folder is short enough for the engine\'s unix socket (sun_path holds 107 bytes)',
  },
  STEP_ENGINE_PORT_TAKEN: { exit: exitCodes.busy, when: 'somebody else listens on the port meant for the engine' },
  STEP_ENGINE_NOT_REMOVED: { exit: exitCodes.engine, when: 'processes of the engine survived SIGKILL' },
  STEP_ENGINE_UNREACHABLE: { exit: exitCodes.engine, when: 'nobody answers at the endpoint of the engine' },
  STEP_ENGINE_TIMEOUT: { exit: exitCodes.stall, when: 'the engine did not answer a request in time' },
  STEP_ENGINE_BAD_ANSWER: { exit: exitCodes.engine, when: 'the engine answered something that is not its protocol' },
  STEP_ENGINE_EXTERNAL_URL: { exit: exitCodes.usage, when: 'the address of an external engine is missing or wrong' },
} as const satisfies Record<string, CatalogueEntry>;
