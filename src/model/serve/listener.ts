import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Listener {
  readonly origin: string;
  close(): Promise<void>;
}

export type Handle = (request: IncomingMessage, response: ServerResponse, origin: string) => Promise<void>;

/** An HTTP server on `host`; port 0 takes a free one. A handler that fails closes its connection. */
export async function startListener(host: string, port: number, handle: Handle): Promise<Listener> {
  let origin = '';
  const server = createServer((request, response) => {
    handle(request, response, origin).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(port, host, resolve);
  await promise;
  const address = server.address() as AddressInfo;
  origin = `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
  return {
    origin,
    close: async () => {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
    },
  };
}
