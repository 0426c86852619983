import { createHmac, timingSafeEqual } from 'node:crypto';

/** Signs addresses on the file server, the way a CDN's are: they end, and they cannot be made up. */
export interface LinkSigner {
  sign(base: string, sha256: string, nowMs: number): string;
  check(url: URL, nowMs: number): 'good' | 'expired' | 'forged';
}

export function createLinkSigner(secret: Buffer, lifeMs: number): LinkSigner {
  const mac = (path: string, expires: string): Buffer =>
    createHmac('sha256', secret).update(`${path}\n${expires}`).digest();
  return {
    sign: (base, sha256, nowMs) => {
      const expires = String(Math.ceil((nowMs + lifeMs) / 1000));
      const url = new URL(`/blobs/${sha256}`, base);
      url.searchParams.set('Expires', expires);
      url.searchParams.set('Signature', mac(url.pathname, expires).toString('hex'));
      return url.href;
    },
    check: (url, nowMs) => {
      const expires = url.searchParams.get('Expires') ?? '';
      const given = Buffer.from(url.searchParams.get('Signature') ?? '', 'hex');
      const wanted = mac(url.pathname, expires);
      if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return 'forged';
      return Number(expires) * 1000 < nowMs ? 'expired' : 'good';
    },
  };
}
