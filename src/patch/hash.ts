import { createHash } from 'node:crypto';

/** sha256 of the file as it stands on disk (UTF-8), in hex. */
export const sha256 = (text: string | Uint8Array): string => createHash('sha256').update(text).digest('hex');
