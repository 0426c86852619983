import { type CatalogueEntry, exitCodes } from '../exit-codes.ts';

export const modelErrors = {
} as const satisfies Record<string, CatalogueEntry>;
