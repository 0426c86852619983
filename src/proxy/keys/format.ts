import { createHash, randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const idAlphabet = '0123456789abcdefghijklmnopqrstuvwxyz';
const grammar = /^sk-step-([a-z][a-z0-9]{3,15})-([0-9A-Za-z]{32})-([0-9a-f]{8})$/;

export interface KeyText {
  readonly id: string;
  readonly text: string;
}

const pick = (alphabet: string, length: number): string =>
  Array.from({ length }, () => alphabet.charAt(randomInt(alphabet.length))).join('');

const checksum = (text: string): string => crc32(text).toString(16).padStart(8, '0');

/** A new key: `sk-step-<id>-<32 base62: 190 bits>-<crc32>`. The checksum lets scanners and clients spot a typo without a lookup. */
export function makeKey(): KeyText {
  const id = `k${pick(idAlphabet, 7)}`;
  const body = `sk-step-${id}-${pick(base62, 32)}`;
  return { id, text: `${body}-${checksum(body)}` };
}

/** The id of a well-formed key whose checksum holds; null for anything else. */
export function readKeyId(text: string): string | null {
  if (text.length > 80) return null;
  const match = grammar.exec(text);
  const id = match?.[1];
  if (id === undefined) return null;
  return checksum(text.slice(0, -9)) === match?.[3] ? id : null;
}

/** SHA-256, not a slow KDF: a key has 190 random bits, and 36 ms a check would only be a way to stop the proxy. */
export const hashKey = (text: string): Buffer => createHash('sha256').update(text).digest();
