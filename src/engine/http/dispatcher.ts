import { type Dispatcher, Pool } from 'undici';
import type { Endpoint } from '../types.ts';

const pools = new Map<string, Pool>();

const keyOf = (endpoint: Endpoint): string =>
  endpoint.kind === 'unix' ? `unix:${endpoint.path}` : `tcp:${endpoint.host}:${endpoint.port}`;

const bracket = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** Origin for requests to an endpoint. Constant for a unix socket: no client's Host ever gets upstream. */
export const originOf = (endpoint: Endpoint): string =>
  endpoint.kind === 'unix' ? 'http://engine' : `http://${bracket(endpoint.host)}:${endpoint.port}`;

/**
 * The pool of connections to an engine, one per endpoint. No pipelining (HTTP/1.1 answers in order: a long generation
 * would block the next), no header or body timer (a long prefill is legal; deadlines belong to the caller), and idle
 * connections go after 2 s: uvicorn closes them after 5 s, and who closes first must be the client.
 */
export function dispatcherFor(endpoint: Endpoint): Dispatcher {
  const key = keyOf(endpoint);
  const known = pools.get(key);
  if (known !== undefined) return known;
  const pool = new Pool(originOf(endpoint), {
    connections: 1024,
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 2_000,
    connect: { timeout: 2_000, ...(endpoint.kind === 'unix' ? { socketPath: endpoint.path } : {}) },
  });
  pools.set(key, pool);
  return pool;
}

/** Ends the endpoint's connections at once and forgets them; whoever owns the engine calls it when that is gone. */
export async function closeDispatcher(endpoint: Endpoint): Promise<void> {
  const key = keyOf(endpoint);
  const pool = pools.get(key);
  pools.delete(key);
  await pool?.destroy();
}
