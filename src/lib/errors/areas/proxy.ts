import { type CatalogueEntry, exitCodes } from '../exit-codes.ts';

export const proxyErrors = {
} as const satisfies Record<string, CatalogueEntry>;
