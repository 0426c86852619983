import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';

/** Who has the bytes of a connection right now. */
export interface WireUser {
  /** Bytes that are only valid during the call; false asks for a pause until `resume`. */
  onBytes(bytes: Buffer): boolean;
  /** The connection is over; null when the other side closed it in good order. Called once. */
  onEnd(error: Error | null): void;
}

/** One connection to an origin, used by one exchange after another. */
export interface Wire {
  send(text: string): void;
  resume(): void;
  /** Hands the connection to its next user; null parks it. */
  give(user: WireUser | null): void;
  destroy(): void;
  isOpen(): boolean;
  /** Resolves when bytes can be sent. Rejects on failure or after the deadline. */
  readonly ready: Promise<void>;
}

// Several reads of the kernel's queue at once: at 64 KiB the calls alone cost as much as the copying.
const readBytes = 256 << 10;

/**
 * Opens a connection whose bytes land in one buffer of ours, again and again. A stream of fresh 64 KiB buffers costs
 * twice the CPU for each byte, most of it in the garbage collector.
 */
export function openWire(origin: URL, connectTimeoutMs: number): Wire {
  let user: WireUser | null = null;
  let isOver = false;
  // A resume during the call overrules the pause that the call then asks for.
  let resumes = 0;
  const onread = {
    buffer: Buffer.allocUnsafeSlow(readBytes),
    callback: (count: number, buffer: Uint8Array): boolean => {
      // Bytes that nobody asked for: the connection cannot be trusted with another request.
      if (user === null) return end(new Error('bytes nobody asked for'));
      const before = resumes;
      const goesOn = user.onBytes(Buffer.from(buffer.buffer, buffer.byteOffset, count));
      return (goesOn || resumes !== before) && !isOver;
    },
  };
  const host = origin.hostname.replace(/^\[|\]$/g, '');
  const isTls = origin.protocol === 'https:';
  const port = Number(origin.port === '' ? (isTls ? 443 : 80) : origin.port);
  const names = isIP(host) === 0 ? { servername: host } : {};
  // The type of TLS options lacks `onread`, which TLS sockets take like any other.
  const tlsOptions: ConnectionOptions & { onread: typeof onread } = {
    host,
    port,
    ...names,
    ALPNProtocols: ['http/1.1'],
    onread,
  };
  const socket: Socket = isTls ? connectTls(tlsOptions) : connectPlain({ host, port, onread });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  promise.catch(() => {}); // told through the user as well
  const end = (error: Error | null): false => {
    if (isOver) return false;
    isOver = true;
    clearTimeout(deadline);
    reject(error ?? new Error('the connection was closed'));
    socket.destroy();
    const last = user;
    user = null;
    last?.onEnd(error);
    return false;
  };
  const deadline = setTimeout(
    () => end(new Error(`no connection after ${connectTimeoutMs} ms`)),
    connectTimeoutMs,
  );
  socket.once(isTls ? 'secureConnect' : 'connect', () => {
    clearTimeout(deadline);
    socket.setNoDelay(true);
    resolve();
  });
  socket.on('error', end);
  socket.on('end', () => end(null));
  socket.on('close', () => end(null));
  return {
    ready: promise,
    send: (text) => void socket.write(text, 'latin1'),
    resume: () => {
      resumes += 1;
      if (!isOver) socket.resume();
    },
    give: (next) => {
      user = next;
      // The end of a body pauses the connection: nobody is there to take bytes.
      if (next !== null && !isOver && !socket.connecting) socket.resume();
    },
    destroy: () => void end(new Error('aborted')),
    isOpen: () => !isOver,
  };
}
