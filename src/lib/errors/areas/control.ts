import { type CatalogueEntry, exitCodes } from '../exit-codes.ts';

export const controlErrors = {
  STEP_CONTROL_BUSY: { exit: exitCodes.busy, when: 'this instance is up already, under another controller' },
  STEP_CONTROL_NOT_UP: {
    exit: exitCodes.inconclusive,
    when: 'a command needs a running controller and there is none',
  },
  STEP_CONTROL_LOST: {
    exit: exitCodes.engine,
    when: 'the controller ended without saying why while a command waited for it',
  },
  STEP_CONTROL_REFUSED: {
    exit: exitCodes.internal,
    when: 'the controller answered a command with a failure',
  },
} as const satisfies Record<string, CatalogueEntry>;
