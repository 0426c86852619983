import { badRequest, type Refusal, refusal, retryAfter } from '../refusal.ts';
import type { Route } from '../routes.ts';
import type { KeyStore } from './store.ts';

/** Who sent a request, as far as the proxy cares. */
export interface Principal {
  readonly keyId: string;
  readonly scopes: readonly string[];
}

export interface Authenticator {
  /** null: no key is asked for. */
  readonly keys: KeyStore | null;
  /** A key that lives in memory only, with every scope. */
  readonly localKey: { matches(candidate: string): boolean } | null;
  readonly openScopes: readonly string[];
  /** Counts a failed attempt of an address; false once it had too many of them this minute. */
  readonly countFailure: (address: string) => boolean;
}

const localPrincipal: Principal = { keyId: 'local', scopes: ['chat', 'advanced', 'metrics'] };
const challenge = (error: string): string[] => ['www-authenticate', `Bearer realm="stepctl"${error}`];

const unauthorized = (message: string, error: string): Refusal =>
  refusal({ status: 401, code: 'invalid_api_key', message, headers: challenge(error) });

/** Third stage: 400 for a header that is not `Bearer <key>`, 401 for no or a wrong key, 403 for a missing scope. */
export function authenticate(
  auth: Authenticator,
  authorization: string | null,
  route: Route,
  address: string,
): Principal | Refusal {
  if (auth.keys === null) return checkScope({ keyId: 'open', scopes: auth.openScopes }, route);
  if (authorization === null) return unauthorized('no key: send Authorization: Bearer sk-step-…', '');
  const match = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(authorization);
  const text = match?.[1];
  if (text === undefined) {
    const bad = badRequest('the Authorization header must be: Bearer <key>', null, 'malformed_authorization');
    return { ...bad, headers: challenge(', error="invalid_request"') };
  }
  const key = auth.keys.check(text);
  if (key !== null) return checkScope({ keyId: key.id, scopes: key.scopes }, route);
  if (auth.localKey?.matches(text) === true) return checkScope(localPrincipal, route);
  if (!auth.countFailure(address)) {
    return refusal({
      status: 429,
      code: 'too_many_failures',
      message: 'too many wrong keys from this address',
      headers: retryAfter(60_000),
    });
  }
  return unauthorized('this key is not valid', ', error="invalid_token"');
}

function checkScope(principal: Principal, route: Route): Principal | Refusal {
  if (route.scope === null || principal.scopes.includes(route.scope)) return principal;
  return refusal({
    status: 403,
    code: 'missing_scope',
    message: `this key lacks the scope "${route.scope}"`,
    headers: challenge(`, error="insufficient_scope", scope="${route.scope}"`),
  });
}
