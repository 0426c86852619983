import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Exchange } from '../exchange.ts';

/** The open client connections and what runs on each: how the proxy hears that a client left, also for pipelined requests. */
export interface Connections {
  readonly size: number;
  add(socket: Socket, exchange: Exchange): void;
  remove(socket: Socket, exchange: Exchange): void;
  /** True while a whole request of this connection is worked on or answered; not while one is still arriving. */
  isBusy(socket: Socket): boolean;
}

/**
 * Watches a server's sockets. FIN, RST and destroy all count as "gone": Node throws away the answer to a half-closed
 * client anyway. Above `maxPerAddress` a new connection is dropped at once.
 */
export function watchConnections(
  server: Server,
  maxPerAddress: number,
  onGone: (exchange: Exchange) => void,
): Connections {
  const open = new Map<Socket, Set<Exchange>>();
  const perAddress = new Map<string, number>();

  const leave = (socket: Socket): void => {
    for (const exchange of open.get(socket) ?? []) onGone(exchange);
  };
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    const count = (perAddress.get(address) ?? 0) + 1;
    if (count > maxPerAddress) return void socket.destroy();
    perAddress.set(address, count);
    open.set(socket, new Set());
    socket.once('end', () => leave(socket));
    socket.once('close', () => {
      leave(socket);
      open.delete(socket);
      const left = (perAddress.get(address) ?? 1) - 1;
      if (left === 0) perAddress.delete(address);
      else perAddress.set(address, left);
    });
  });
  return {
    get size() {
      return open.size;
    },
    add: (socket, exchange) => void open.get(socket)?.add(exchange),
    remove: (socket, exchange) => void open.get(socket)?.delete(exchange),
    isBusy: (socket) => [...(open.get(socket) ?? [])].some((exchange) => exchange.phase !== 'reading'),
  };
}
