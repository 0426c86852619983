import { type CatalogueEntry, exitCodes } from '../exit-codes.ts';

export const engineErrors = {
} as const satisfies Record<string, CatalogueEntry>;
