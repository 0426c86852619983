import { type CatalogueEntry, exitCodes } from '../exit-codes.ts';

export const vllmErrors = {
} as const satisfies Record<string, CatalogueEntry>;
