import { StepError } from '../errors/step-error.ts';
import type { ApiAddress } from './types.ts';

/** Same shape as an engine's endpoint, which lib cannot know. */
export type ApiEndpoint =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** An address of a URL, or of an endpoint where one is given. Throws STEP_API_ADDRESS when neither is usable. */
export function toAddress(baseUrl: string | null, endpoint?: ApiEndpoint | null): ApiAddress {
  if (endpoint?.kind === 'unix') return { baseUrl: 'http://localhost', socketPath: endpoint.path };
  if (endpoint?.kind === 'tcp') {
    const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
    return { baseUrl: `http://${host}:${endpoint.port}`, socketPath: null };
  }
  if (baseUrl !== null && /^https?:$/.test(URL.parse(baseUrl)?.protocol ?? ''))
    return { baseUrl, socketPath: null };
  throw new StepError('STEP_API_ADDRESS', {
    verdict: baseUrl === null ? 'no address of an API was given' : `"${baseUrl}" is no address of an API`,
    reason: 'a URL such as http://127.0.0.1:8000 is needed',
    next: 'stepctl status shows the address of the running stack',
  });
}

/** For people and results: without user and password, which a URL may carry. */
export function describeAddress(address: ApiAddress): string {
  if (address.socketPath !== null) return `unix:${address.socketPath}`;
  const { origin, pathname } = new URL(address.baseUrl);
  return `${origin}${pathname.replace(/\/+$/, '').replace(/\/v1$/, '')}`;
}
