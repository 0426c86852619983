import { type CatalogueEntry, exitCodes } from '../exit-codes.ts';

export const stackErrors = {
  STEP_STACK_INVALID: {
    exit: exitCodes.preflight,
    when: 'a stack file or profile is not valid: every problem is listed with file, line and column',
  },
  STEP_STACK_SETTING_INVALID: {
    exit: exitCodes.usage,
    when: 'a value given by flag, --set or STEPCTL_* variable is not valid',
  },
  STEP_STACK_FILE_MISSING: { exit: exitCodes.usage, when: 'the stack file named by -f does not exist' },
  STEP_STACK_FILE_UNREADABLE: {
    exit: exitCodes.preflight,
    when: 'a stack file or lock exists but cannot be read',
  },
  STEP_STACK_PROFILE_UNKNOWN: {
    exit: exitCodes.usage,
    when: 'the profile named on the command line or in STEPCTL_PROFILE is not shipped',
  },
  STEP_STACK_LOCK_NEWER: { exit: exitCodes.preflight, when: 'the lock was written by a newer stepctl' },
  STEP_STACK_LOCK_EDITED: {
    exit: exitCodes.preflight,
    when: 'the lock was edited by hand: its seal does not fit',
  },
  STEP_STACK_LOCK_MISSING: { exit: exitCodes.differs, when: '--frozen was asked for and there is no lock' },
  STEP_STACK_LOCK_DIFFERS: {
    exit: exitCodes.differs,
    when: 'what would run is not what the lock says, and --frozen allows no difference',
  },
  STEP_STACK_LOCK_INVALID: {
    exit: exitCodes.preflight,
    when: 'stepctl.lock is not a lock of a known schema',
  },
} as const satisfies Record<string, CatalogueEntry>;
