import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { downstreamHeaders, streamHeaders, upstreamHeaders } from '../../src/proxy/headers.ts';
import { type Front, hello, openFront, post } from '../fixtures/upstream/front.ts';
import { completion } from '../fixtures/upstream/upstream.ts';

let front: Front | null = null;
afterEach(async () => {
  await front?.close();
  front = null;
});

const namesOf = (flat: readonly string[]): string[] =>
  flat.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
/** All that may reach the engine, the transport's own included. */
const allowedUp = [
  'host',
  'connection',
  'content-type',
  'content-length',
  'accept',
  'accept-encoding',
  'x-request-id',
  'traceparent',
];

describe('headers to the engine', () => {
  it('are the listed ones only, whatever the client sends', async () => {
    front = await openFront();
    const { port, upstream } = front;
    await post(port, hello, {
      headers: {
        authorization: 'Bearer client-secret',
        connection: 'X-Request-Id, close',
        'x-request-id': 'http://169.254.169.254/',
        'x-forwarded-for': '1.2.3.4',
        'proxy-authorization': 'Basic x',
        te: 'trailers',
        upgrade: 'h2c',
        'accept-encoding': 'br',
        cookie: 'a=b',
        content_length: '1',
        traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      },
    });
    const seen = upstream.seen[0]?.rawHeaders ?? [];
    expect(namesOf(seen).filter((name) => !allowedUp.includes(name))).toEqual([]);
    expect(seen.join(' ')).not.toContain('client-secret');
    expect(seen).toContain('identity');
    expect(seen).toContain('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01');
  });

  it("CVE-2026-116176: the request id is the proxy's own, never the client's", async () => {
    front = await openFront();
    const reply = await post(front.port, hello, {
      headers: { 'x-request-id': 'http://169.254.169.254/latest' },
    });
    const seen = front.upstream.seen[0]?.rawHeaders ?? [];
    const id = seen[seen.indexOf('x-request-id') + 1];
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
    expect(reply.headers['x-request-id']).toBe(id);
  });

  it('property: a traceparent goes on only if it is one', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        const sent = upstreamHeaders('id', false, value);
        return sent.includes('traceparent') === /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(value);
      }),
    );
    expect(upstreamHeaders('id', true, `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`)).not.toContain(
      'traceparent',
    );
  });
});

describe('headers to the client', () => {
  it('property: only content-type, cache-control and the own request id, whatever the engine sends', () => {
    const token = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
    fc.assert(
      fc.property(fc.dictionary(token, fc.string()), (headers) => {
        const names = namesOf(downstreamHeaders(headers, 'id'));
        return names.every((name) => ['content-type', 'cache-control', 'x-request-id'].includes(name));
      }),
    );
  });

  it('leave out what the engine tells about itself', async () => {
    front = await openFront();
    front.upstream.behave(({ response }) => {
      response.writeHead(200, {
        'content-type': 'application/json',
        server: 'uvicorn',
        'set-cookie': 'a=b',
        'x-request-id': 'theirs',
        connection: 'x-other',
      });
      response.end(completion);
    });
    const reply = await post(front.port, hello);
    expect(reply.headers['server']).toBeUndefined();
    expect(reply.headers['set-cookie']).toBeUndefined();
    expect(reply.headers['x-request-id']).not.toBe('theirs');
  });

  it('tell middle boxes not to collect a stream', () => {
    expect(streamHeaders('id')).toEqual(
      expect.arrayContaining(['x-accel-buffering', 'no', 'cache-control', 'no-cache']),
    );
  });
});
