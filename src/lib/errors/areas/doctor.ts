import { type CatalogueEntry, exitCodes } from '../exit-codes.ts';

export const doctorErrors = {
} as const satisfies Record<string, CatalogueEntry>;
