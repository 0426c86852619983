import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici';

type Env = Readonly<Record<string, string | undefined>>;

const read = (env: Env, ...names: string[]): string =>
  names.map((name) => env[name] ?? '').find((value) => value !== '') ?? '';

/** The proxies that the environment names; null when it names none. Loopback is never sent through one. */
export function proxyOptions(env: Env): { httpProxy: string; httpsProxy: string; noProxy: string } | null {
  const httpProxy = read(env, 'http_proxy', 'HTTP_PROXY');
  const httpsProxy = read(env, 'https_proxy', 'HTTPS_PROXY');
  if (httpProxy === '' && httpsProxy === '') return null;
  const named = read(env, 'no_proxy', 'NO_PROXY');
  // The hub that stepctl carries listens there; a proxy elsewhere could not reach it.
  const noProxy = [named, 'localhost', '127.0.0.1', '::1'].filter((part) => part !== '').join(',');
  return { httpProxy, httpsProxy, noProxy: named === '*' ? '*' : noProxy };
}

/**
 * The connections of one pull. HTTP/1.1 on purpose: over HTTP/2 every part to one CDN host would share a single TCP
 * connection and its congestion window. bodyTimeout is idle time only; the watchdog on bytes per second is ours.
 */
export function createTransport(options: {
  readonly connections: number;
  readonly headersTimeoutMs: number;
  readonly env?: Env;
}): Dispatcher {
  const settings = {
    connections: options.connections,
    pipelining: 1,
    allowH2: false,
    headersTimeout: options.headersTimeoutMs,
    bodyTimeout: 60_000,
    keepAliveTimeout: 10_000,
    connect: { timeout: 10_000 },
  };
  const proxies = proxyOptions(options.env ?? process.env);
  return proxies === null ? new Agent(settings) : new EnvHttpProxyAgent({ ...settings, ...proxies });
}
