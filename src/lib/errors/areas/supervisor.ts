import { type CatalogueEntry, exitCodes } from '../exit-codes.ts';

export const supervisorErrors = {
} as const satisfies Record<string, CatalogueEntry>;
