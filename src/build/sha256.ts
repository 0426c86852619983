import { createHash } from 'node:crypto';

/** sha256 in hex of a text (UTF-8) or of bytes. */
export const sha256Of = (data: string | Uint8Array): string =>
  createHash('sha256').update(data).digest('hex');
