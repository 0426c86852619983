/** The load of bench/proxy.ts: bare sockets with ready-made requests, so that measuring costs less than what is measured. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

function makeRequest(isStream: boolean): Buffer {
  const body = JSON.stringify({
    model: 'm',
    ...(isStream ? { stream: true } : {}),
    temperature: 0.7,
    max_tokens: 200,
    messages: [
      { role: 'system', content: 'You answer in one sentence.' },
      { role: 'user', content: 'word '.repeat(165) },
    ],
    metadata: {},
  });
  const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer bench\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  return Buffer.from(head + body);
}

const plainRequest = makeRequest(false);
const streamRequest = makeRequest(true);

async function openSockets(port: number, count: number): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => connect({ port, host: '127.0.0.1', noDelay: true }));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  return sockets;
}

/** One request at a time on a socket; every answer of one server has the same size, learnt from the first. */
class Line {
  readonly #socket: Socket;
  #size = 0;
  #got = 0;
  #head = '';
  #done: () => void = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes) => this.#take(bytes));
  }

  ask(): Promise<void> {
    return new Promise((resolve) => {
      this.#done = resolve;
      this.#socket.write(plainRequest);
    });
  }

  #take(bytes: Buffer): void {
    this.#got += bytes.length;
    if (this.#size === 0) this.#learn(bytes);
    if (this.#size === 0 || this.#got < this.#size) return;
    this.#got = 0;
    this.#done();
  }

  #learn(bytes: Buffer): void {
    this.#head += bytes.toString('latin1');
    const at = this.#head.indexOf('\r\n\r\n');
    const length = /^content-length: (\d+)/im.exec(this.#head)?.[1];
    if (at === -1) return;
    if (!this.#head.startsWith('HTTP/1.1 200')) throw new Error(this.#head);
    // The bare pipe answers in chunks, since it copies no length: its end is the last chunk.
    if (length !== undefined) this.#size = at + 4 + Number(length);
    else if (this.#head.endsWith('0\r\n\r\n')) this.#size = this.#got;
  }
}

/** Closed loop over `connections` for `ms`: how many answers came. */
export async function runClosed(port: number, connections: number, ms: number): Promise<number> {
  const sockets = await openSockets(port, connections);
  const until = performance.now() + ms;
  let count = 0;
  await Promise.all(
    sockets.map(async (socket) => {
      const line = new Line(socket);
      while (performance.now() < until) {
        await line.ask();
        count += 1;
      }
      socket.destroy();
    }),
  );
  return count;
}

/** Open loop: a request every `1000 / rate` ms whatever happens; latencies in ms. */
export async function runOpen(port: number, rate: number, ms: number): Promise<number[]> {
  const sockets = await openSockets(port, 64);
  const free = sockets.map((socket) => new Line(socket));
  await Promise.all(free.map((line) => line.ask()));
  const latencies: number[] = [];
  const pending: Promise<void>[] = [];
  const began = performance.now();
  for (let sent = 0; sent < (rate * ms) / 1_000;) {
    await new Promise((resolve) => setImmediate(resolve));
    while (free.length > 0 && sent < ((performance.now() - began) * rate) / 1_000) {
      const line = free.pop();
      if (line === undefined) break;
      // From the time it was due, not from when a line was free: else a slow proxy would look fast.
      const dueAt = began + (sent * 1_000) / rate;
      sent += 1;
      pending.push(line.ask().then(() => void (latencies.push(performance.now() - dueAt), free.push(line))));
    }
  }
  await Promise.all(pending);
  for (const socket of sockets) socket.destroy();
  return latencies;
}

/** `streams` streams at once, each to its end: how many events came. */
export async function runStreams(port: number, streams: number): Promise<number> {
  const sockets = await openSockets(port, streams);
  let events = 0;
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise<void>((resolve) => {
          socket.on('data', (bytes) => {
            for (let at = bytes.indexOf('data: '); at !== -1; at = bytes.indexOf('data: ', at + 6))
              events += 1;
            if (bytes.includes('[DONE]')) resolve();
          });
          socket.write(streamRequest);
        }),
    ),
  );
  for (const socket of sockets) socket.destroy();
  return events;
}
