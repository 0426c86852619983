import { type CatalogueEntry, exitCodes } from '../exit-codes.ts';

export const generalErrors = {
  STEP_INTERNAL: {
    exit: exitCodes.internal,
    when: 'a failure that stepctl did not foresee; please report it',
  },
  STEP_USAGE: { exit: exitCodes.usage, when: 'a command, flag or argument is not as the help says' },
  STEP_INTERRUPTED: { exit: exitCodes.interrupted, when: 'stopped by Ctrl-C or SIGTERM' },
  STEP_DISK_FULL: { exit: exitCodes.preflight, when: 'a file system has less room than the work needs' },
  STEP_FILE_UNREADABLE: {
    exit: exitCodes.preflight,
    when: 'a file that is needed cannot be read or written',
  },
} as const satisfies Record<string, CatalogueEntry>;
