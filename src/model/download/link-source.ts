import type { Clock } from '../../lib/index.ts';
import type { FileLink } from '../hub/resolve.ts';

/** The one link that all parts of a file share; asked for when the first part starts, and again when it goes bad. */
export interface LinkSource {
  /** The link in use; resolves a new one when there is none or it is about to end. */
  get(): Promise<FileLink>;
  /** Says that this link failed. Several parts may say so of the same link; it is replaced once. */
  drop(link: FileLink): void;
  /** Follows a redirect that the file server itself gave. */
  replace(link: FileLink, by: FileLink): void;
}

// A part that starts now should not meet the end of the signature in its first round trip.
const marginMs = 30_000;

export function createLinkSource(resolve: () => Promise<FileLink>, clock: Clock): LinkSource {
  let current: FileLink | null = null;
  let asking: Promise<FileLink> | null = null;
  // A link that is "over" on arrival means that the clocks differ: then only the server's refusal counts.
  let trustsExpiry = true;
  const isEnding = (link: FileLink): boolean =>
    trustsExpiry && link.expiresAtMs !== null && link.expiresAtMs - clock.now() < marginMs;
  const ask = async (): Promise<FileLink> => {
    try {
      const link = await resolve();
      trustsExpiry = true;
      trustsExpiry = !isEnding(link);
      current = link;
      return link;
    } finally {
      asking = null;
    }
  };
  return {
    get: () => {
      if (current !== null && !isEnding(current)) return Promise.resolve(current);
      asking ??= ask();
      return asking;
    },
    drop: (link) => {
      if (current === link) current = null;
    },
    replace: (link, by) => {
      if (current === link) current = by;
    },
  };
}
