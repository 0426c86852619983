import { type CatalogueEntry, exitCodes } from '../exit-codes.ts';

export const doctorErrors = {
  STEP_DOCTOR_BLOCKED: {
    exit: exitCodes.preflight,
    when: 'a preflight check that this stack depends on failed',
  },
} as const satisfies Record<string, CatalogueEntry>;
