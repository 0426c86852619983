import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici';

type Env = Readonly<Record<string, string | undefined>>;

const isProxied = (env: Env): boolean =>
  ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'].some((name) => (env[name] ?? '') !== '');

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
  return isProxied(options.env ?? process.env) ? new EnvHttpProxyAgent(settings) : new Agent(settings);
}
