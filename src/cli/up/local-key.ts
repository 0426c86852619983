import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A key that lives in the controller's memory only, for the commands of the same user (they get it over the 0600 socket). */
export interface LocalKey {
  readonly text: string;
  matches(candidate: string): boolean;
}

const digest = (value: string): Buffer => createHash('sha256').update(value).digest();

export function makeLocalKey(): LocalKey {
  const text = `sk-step-local-${randomBytes(24).toString('hex')}`;
  const mine = digest(text);
  return { text, matches: (candidate) => timingSafeEqual(digest(candidate), mine) };
}
