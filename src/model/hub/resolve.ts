import { askHub, type HubClient } from './client.ts';
import { headerOf } from './exchange.ts';
import { askedFor } from './listing.ts';
import { brokenAnswer } from './refusal.ts';
import type { RepoFile } from '../types.ts';

/** Where the bytes of one file are right now. */
export interface FileLink {
  readonly url: URL;
  /** Wall clock ms when the signature ends; null when the link does not say. */
  readonly expiresAtMs: number | null;
  /** It never left the hub's origin: only then the token goes with it. */
  readonly isHub: boolean;
}

const maxHops = 5;

/**
 * When a signed link ends, in wall-clock ms: CloudFront's `Expires=` (epoch seconds) or S3's `X-Amz-Date` plus
 * `X-Amz-Expires`; null for any other link.
 */
export function linkExpiry(url: URL): number | null {
  const epoch = url.searchParams.get('Expires');
  if (epoch !== null && /^\d{9,11}$/.test(epoch)) return Number(epoch) * 1000;
  const from = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(
    url.searchParams.get('X-Amz-Date') ?? '',
  );
  const seconds = Number(url.searchParams.get('X-Amz-Expires'));
  if (from === null || !(seconds > 0)) return null;
  const [, y, mo, d, h, mi, s] = from.map(Number);
  return Date.UTC(y ?? 0, (mo ?? 1) - 1, d, h, mi, s) + seconds * 1000;
}

/** Where a file server's own redirect leads. Once outside the hub, a link is never trusted with the token again. */
export function redirectedLink(from: FileLink, to: URL): FileLink {
  return { url: to, expiresAtMs: linkExpiry(to), isHub: from.isHub && to.origin === from.url.origin };
}

const encodePath = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

/**
 * Asks the hub where a file's bytes are. Redirects inside the hub's origin are followed with the token (renamed
 * repositories, git files); the first one that leaves it is the link, and is not opened here.
 */
export async function resolveFile(client: HubClient, commit: string, file: RepoFile): Promise<FileLink> {
  const what = `${file.path} of ${client.repo}`;
  const hubOrigin = new URL(client.endpoint).origin;
  let url = new URL(`${client.endpoint}/${client.repo}/resolve/${commit}/${encodePath(file.path)}`);
  for (let hop = 0; hop <= maxHops; hop += 1) {
    const asked = askedFor(client, what, commit);
    const answer = await askHub(client, { url, method: 'HEAD', asked }, (status) => status < 400);
    checkDeclared(answer.headers, file, what);
    const location = headerOf(answer.headers, 'location');
    if (answer.status < 300) return { url, expiresAtMs: null, isHub: true };
    if (location === null || !URL.canParse(location, url.href))
      throw brokenAnswer(what, 'it redirects to nowhere');
    url = new URL(location, url);
    if (url.protocol !== 'http:' && url.protocol !== 'https:')
      throw brokenAnswer(what, `it redirects to ${url.protocol}`);
    if (url.origin !== hubOrigin) return { url, expiresAtMs: linkExpiry(url), isHub: false };
  }
  throw brokenAnswer(what, `more than ${maxHops} redirects`);
}

/** A mirror may drop X-Linked-*; where they are, they must agree with the list, or two objects are being mixed. */
function checkDeclared(headers: Parameters<typeof headerOf>[0], file: RepoFile, what: string): void {
  const size = headerOf(headers, 'x-linked-size');
  if (size !== null && Number(size) !== file.sizeBytes)
    throw brokenAnswer(what, `the list says ${file.sizeBytes} bytes, the file's own answer says ${size}`);
  const etag = headerOf(headers, 'x-linked-etag')?.replace(/^W\//, '').replaceAll('"', '') ?? null;
  if (etag !== null && /^[0-9a-f]{64}$/.test(etag) && file.lfsSha256 !== null && etag !== file.lfsSha256)
    throw brokenAnswer(what, `the list says sha256 ${file.lfsSha256}, the file's own answer says ${etag}`);
}
