import type { Socket } from 'node:net';
import { buildConnector, Pool } from 'undici';
import { originOf } from '../../engine/index.ts';
import type { Endpoint } from '../../engine/types.ts';
import type { ProxyTimers } from '../timers.ts';

/** The connections to one incarnation of the engine. */
export interface Upstream {
  readonly pool: Pool;
  readonly origin: string;
  /** True when this error ended a connection that had served a request before: the keep-alive race. */
  wasReused(error: Error): boolean;
}

export interface Upstreams {
  /** The one for this endpoint; an earlier one finishes what it carries and closes. */
  for(endpoint: Endpoint, incarnation: number): Upstream;
  /**
   * Cuts the connections to an engine that is being stopped: vLLM waits for them without end after SIGTERM, and what
   * they carry gets no further byte. Requests that lost one are settled like after any other loss.
   */
  cut(): void;
  /** Ends all connections. */
  close(): Promise<void>;
}

/**
 * undici Pool: no pipelining (HTTP/1.1 answers come in order, and a long generation would block the next), no timers of
 * its own for headers and bodies, strict about lengths. Never fetch: it costs ten times as much a request.
 */
export function createUpstreams(
  timers: Pick<ProxyTimers, 'connectMs' | 'upstreamIdleMs'>,
  maxInFlight: number,
): Upstreams {
  let current: { key: string; upstream: Upstream } | null = null;
  const closing = new Set<Promise<void>>();

  const retire = (pool: Pool): void => {
    const closed = pool.close().catch(() => undefined);
    closing.add(closed);
    void closed.then(() => closing.delete(closed));
  };

  return {
    for: (endpoint, incarnation) => {
      const key = `${incarnation} ${JSON.stringify(endpoint)}`;
      if (current?.key === key) return current.upstream;
      if (current !== null) retire(current.upstream.pool);
      const upstream = openUpstream(endpoint, timers, maxInFlight);
      current = { key, upstream };
      return upstream;
    },
    cut: () => {
      const ended = current?.upstream.pool.destroy().catch(() => undefined);
      current = null;
      if (ended !== undefined) closing.add(ended.then(() => undefined));
    },
    close: async () => {
      await current?.upstream.pool.destroy();
      await Promise.all(closing);
    },
  };
}

function openUpstream(
  endpoint: Endpoint,
  timers: Pick<ProxyTimers, 'connectMs' | 'upstreamIdleMs'>,
  maxInFlight: number,
): Upstream {
  const reused = new WeakSet<Error>();
  const connect = buildConnector({
    timeout: timers.connectMs,
    allowH2: false,
    ...(endpoint.kind === 'unix' ? { socketPath: endpoint.path } : {}),
  });
  const origin = originOf(endpoint);
  const pool = new Pool(origin, {
    // A few more than forwards: a connection that is just being closed must not make a request wait.
    connections: maxInFlight + 8,
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: timers.upstreamIdleMs,
    keepAliveMaxTimeout: timers.upstreamIdleMs,
    strictContentLength: true,
    connect: (options, callback) =>
      connect(options, (...result) => {
        // First listener on the socket: it marks the error before undici hands it to the request.
        result[1]?.on('error', (error: Error) => markReused(reused, result[1], error));
        callback(...result);
      }),
  });
  return { pool, origin, wasReused: (error) => reused.has(error) || bytesReadOf(error) > 0 };
}

function markReused(reused: WeakSet<Error>, socket: Socket | null, error: Error): void {
  if (socket !== null && socket.bytesRead > 0) reused.add(error);
}

/** undici's SocketError tells what its connection had read. */
const bytesReadOf = (error: Error): number =>
  (error as { socket?: { bytesRead?: number } | null }).socket?.bytesRead ?? 0;
