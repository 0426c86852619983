import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { createView, starting } from '../fixtures/upstream/engine-view.ts';
import {
  type Front,
  helloStream,
  openFront,
  openPost,
  openSocket,
  collect,
} from '../fixtures/upstream/front.ts';
import { beginStream, tokenEvent } from '../fixtures/upstream/upstream.ts';

let front: Front;
afterEach(() => front.close());

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function untilEmpty(): Promise<void> {
  for (;;) {
    const { inFlight, queued, heldBytes, requests } = front.proxy.stats();
    if (inFlight === 0 && queued === 0 && heldBytes === 0 && requests.length === 0) return;
    await turn();
  }
}

const head = (length: number) =>
  `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;

describe('a client that leaves', () => {
  it('while it sends its body: nothing goes to the engine', async () => {
    front = await openFront();
    const socket = await openSocket(front.port);
    socket.write(`${head(1_000)}{"model"`);
    while (front.proxy.stats().heldBytes === 0) await turn();
    socket.destroy();
    expect((await front.record(0)).end).toBe('client_gone');
    await untilEmpty();
    expect(front.upstream.connections()).toBe(0);
  });

  it('while it waits: its place and its bytes are free at once', async () => {
    front = await openFront({ view: createView(starting()) });
    const request = openPost(front.port, helloStream).on('error', () => {});
    while (front.proxy.stats().queued === 0) await turn();
    request.destroy();
    expect((await front.record(0)).end).toBe('client_gone');
    await untilEmpty();
  });

  it("before the answer's head: the engine is told", async () => {
    front = await openFront();
    front.upstream.behave(() => {});
    const request = openPost(front.port, helloStream).on('error', () => {});
    const seen = await front.upstream.request(0);
    request.destroy();
    await seen.closed;
    await untilEmpty();
  });

  it.each(['FIN', 'RST', 'destroy'])('in the middle of a stream, by %s: the engine is told', async (way) => {
    front = await openFront();
    front.upstream.behave((seen) => {
      beginStream(seen);
      seen.response.write(tokenEvent('one'));
    });
    const text = JSON.stringify(helloStream);
    const socket = await openSocket(front.port);
    socket.on('error', () => {});
    socket.write(head(text.length) + text);
    await once(socket, 'data');
    if (way === 'FIN') socket.end();
    else if (way === 'RST') socket.resetAndDestroy();
    else socket.destroy();
    await (
      await front.upstream.request(0)
    ).closed;
    expect((await front.record(0)).end).toBe('client_gone');
    await untilEmpty();
  });

  it('after the last byte: the request was complete', async () => {
    front = await openFront();
    const request = openPost(front.port, helloStream);
    const answer = await collect(request);
    await answer.until('[DONE]');
    request.destroy();
    expect((await front.record(0)).end).toBe('complete');
    await untilEmpty();
  });
});

describe('a client that does not read', () => {
  const event = tokenEvent('x'.repeat(16_000));

  it("stops the engine's stream instead of filling memory, and gets all of it when it reads on", async () => {
    front = await openFront();
    let written = 0;
    const total = 64 * 1024 * 1024;
    front.upstream.behave((seen) => {
      beginStream(seen);
      const pump = (): void => {
        while (written < total) {
          written += event.length;
          if (!seen.response.write(event)) return void seen.response.once('drain', pump);
        }
        seen.response.end('data: [DONE]\n\n');
      };
      pump();
    });
    const request = openPost(front.port, helloStream);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    // Until nothing moves any more: what is on the way is kernel buffers and a few of Node's.
    let before = -1;
    while (before !== written) {
      before = written;
      for (let turns = 0; turns < 2_000; turns += 1) await turn();
    }
    expect(written).toBeLessThan(24 * 1024 * 1024);
    let got = 0;
    for await (const part of response as AsyncIterable<Buffer>) got += part.length;
    expect(got).toBe(written + 'data: [DONE]\n\n'.length);
    expect((await front.record(0)).end).toBe('complete');
  });

  it('is cut off after a while, and the engine is told', async () => {
    front = await openFront({ timers: { slowReaderMs: 50 } });
    front.upstream.behave((seen) => {
      beginStream(seen);
      const pump = (): void => {
        while (!seen.response.destroyed)
          if (!seen.response.write(event)) return void seen.response.once('drain', pump);
      };
      pump();
    });
    const request = openPost(front.port, helloStream).on('error', () => {});
    await once(request, 'response');
    await (
      await front.upstream.request(0)
    ).closed;
    expect((await front.record(0)).end).toBe('slow_reader');
    await untilEmpty();
  });
});
