import { type CatalogueEntry, exitCodes } from '../exit-codes.ts';

export const patchErrors = {
} as const satisfies Record<string, CatalogueEntry>;
