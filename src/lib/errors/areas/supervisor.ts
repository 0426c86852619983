import { type CatalogueEntry, exitCodes } from '../exit-codes.ts';

export const supervisorErrors = {
  STEP_SUPERVISOR_GIVEN_UP: {
    exit: exitCodes.engine,
    when: 'the engine failed so often or so surely that no further start is tried; the diagnosis is in the details',
  },
  STEP_SUPERVISOR_STOPPED: {
    exit: exitCodes.engine,
    when: 'the engine was stopped while somebody waited for it',
  },
  STEP_SUPERVISOR_CLOSED: {
    exit: exitCodes.internal,
    when: 'the supervisor was asked for something after its end',
  },
} as const satisfies Record<string, CatalogueEntry>;
