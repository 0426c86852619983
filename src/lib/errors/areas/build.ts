import { type CatalogueEntry, exitCodes } from '../exit-codes.ts';

export const buildErrors = {
} as const satisfies Record<string, CatalogueEntry>;
