import { type CatalogueEntry, exitCodes } from '../exit-codes.ts';

export const stackErrors = {
} as const satisfies Record<string, CatalogueEntry>;
