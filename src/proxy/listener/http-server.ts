import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { ProxyPolicy } from '../policy.ts';
import type { ProxyTimers } from '../timers.ts';

/** node:http with every limit set; what it still lets through is the parse guard's to refuse. Not listening yet. */
export function createHttpServer(
  policy: Pick<ProxyPolicy, 'maxConnections'>,
  timers: ProxyTimers,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  const server = createServer({
    maxHeaderSize: 16 * 1024,
    headersTimeout: timers.headersMs,
    requestTimeout: timers.requestMs,
    connectionsCheckingInterval: timers.connectionCheckMs,
    keepAliveTimeout: timers.keepAliveMs,
    insecureHTTPParser: false,
    requireHostHeader: true,
    joinDuplicateHeaders: false,
    noDelay: true,
  });
  server.maxConnections = policy.maxConnections;
  server.maxRequestsPerSocket = timers.maxRequestsPerSocket;
  server.on('request', handle);
  // The guards come first; who passes them is told to go on when its body is read.
  server.on('checkContinue', handle);
  server.on('connect', (_request, socket) => socket.destroy());
  return server;
}
