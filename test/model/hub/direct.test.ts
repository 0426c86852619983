import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import * as fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createDirectTransport, type DirectEnd } from '../../../src/model/hub/direct.ts';
import { readHead } from '../../../src/model/hub/response-head.ts';

describe('the head of an answer', () => {
  it.each([
    ['HTTP/1.1 206 Partial Content\r\nContent-Length: 7', 'head'],
    ['HTTP/1.1 200\r\nContent-Length: 7\r\ncontent-length: 7', 'head'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 7\r\nContent-Length: 8', 'broken'],
    ['HTTP/1.1 200 OK\r\nContent-Length: +7', 'broken'],
    ['HTTP/1.1 200 OK\r\nContent-Length : 7', 'broken'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked', 'awkward'],
    ['HTTP/1.1 200 OK\r\nA: b\r\n folded', 'awkward'],
    ['HTTP/2 200', 'broken'],
    ['SSH-2.0-OpenSSH', 'broken'],
  ])('%j is %s', (text, kind) => {
    expect(readHead(text).kind).toBe(kind);
  });

  it('of any bytes is judged and never thrown over', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void readHead(text)));
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => void readHead(`HTTP/1.1 200 OK\r\n${text}`)),
    );
  });
});

/** A server that says exactly these bytes to each request, in these pieces. */
async function startRaw(pieces: readonly Buffer[], closes = false): Promise<{ url: URL; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', () => {
      for (const piece of pieces) socket.write(piece);
      if (closes) socket.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/x`), sockets };
}

async function getFrom(
  url: URL,
  transport = createDirectTransport({ headersTimeoutMs: 2000 }),
): Promise<{ end: DirectEnd; body: string }> {
  onTestFinished(() => transport.destroy());
  let body = '';
  const end = await transport.get({
    url,
    headers: {},
    signal: new AbortController().signal,
    accept: (_status, _headers, resume) => ({
      push: (chunk) => {
        body += chunk.toString('latin1');
        // A pause at every chunk, taken back on the next turn: back-pressure must lose nothing.
        setImmediate(resume);
        return false;
      },
    }),
  });
  return { end, body };
}

const answer = 'HTTP/1.1 206 Partial Content\r\nContent-Length: 11\r\n\r\nhello world';

describe('a body over a direct connection', () => {
  it('is the same wherever the stream is cut into pieces', async () => {
    for (let cut = 1; cut < answer.length; cut += 7) {
      const { url } = await startRaw([Buffer.from(answer.slice(0, cut)), Buffer.from(answer.slice(cut))]);
      expect(await getFrom(url)).toEqual({ end: { kind: 'complete' }, body: 'hello world' });
    }
  });

  it('uses one connection for one request after another', async () => {
    const { url, sockets } = await startRaw([Buffer.from(answer)]);
    const transport = createDirectTransport({ headersTimeoutMs: 2000 });
    for (let i = 0; i < 3; i += 1) expect((await getFrom(url, transport)).body).toBe('hello world');
    expect(sockets).toHaveLength(1);
  });

  it('never takes more than was announced, nor uses such a connection again', async () => {
    const { url, sockets } = await startRaw([Buffer.from(`${answer}HTTP/1.1 200 OK\r\n`)]);
    const transport = createDirectTransport({ headersTimeoutMs: 2000 });
    for (let i = 0; i < 2; i += 1) expect((await getFrom(url, transport)).body).toBe('hello world');
    expect(sockets).toHaveLength(2);
  });

  it.each([
    ['cut short', answer.slice(0, -3), 'failed'],
    [
      'with transfer codings, left to the full client',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
      'awkward',
    ],
    ['of another protocol', 'SSH-2.0-OpenSSH\r\n\r\n', 'failed'],
    ['without a length, until the connection ends', 'HTTP/1.1 200 OK\r\n\r\nhello', 'complete'],
  ])('%s ends as %s', async (_, text, kind) => {
    const { url } = await startRaw([Buffer.from(text)], true);
    expect((await getFrom(url)).end.kind).toBe(kind);
  });
});
