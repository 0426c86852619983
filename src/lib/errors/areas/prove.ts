import { type CatalogueEntry, exitCodes } from '../exit-codes.ts';

export const proveErrors = {
} as const satisfies Record<string, CatalogueEntry>;
