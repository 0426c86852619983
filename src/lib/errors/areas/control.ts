import { type CatalogueEntry, exitCodes } from '../exit-codes.ts';

export const controlErrors = {
} as const satisfies Record<string, CatalogueEntry>;
