import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { guardRequest } from '../../src/proxy/listener/parse-guard.ts';
import { type Front, openFront, rawExchange } from '../fixtures/upstream/front.ts';

let front: Front;
beforeAll(async () => {
  front = await openFront();
});
afterAll(() => front.close());

const body = '{"model":"m","messages":[{"role":"user","content":"hi"}]}';
const length = body.length;
const json = 'Content-Type: application/json\r\n';
const chat = 'POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n';
const chunked = `${length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
const models = (target: string, host = 'Host: localhost\r\n'): string =>
  `GET ${target} HTTP/1.1\r\n${host}\r\n`;
const many = (count: number): string => Array.from({ length: count }, (_, at) => `X-${at}: 1\r\n`).join('');

/** What, the bytes, the status that must come. Each would be read in two ways by two HTTP readers. */
const refused: readonly (readonly [string, string, number])[] = [
  [
    'Content-Length and Transfer-Encoding',
    `${chat}${json}Content-Length: ${length}\r\nTransfer-Encoding: chunked\r\n\r\n${chunked}`,
    400,
  ],
  [
    'two equal Content-Length headers',
    `${chat}${json}Content-Length: ${length}\r\nContent-Length: ${length}\r\n\r\n${body}`,
    400,
  ],
  ['a list in Content-Length', `${chat}${json}Content-Length: ${length}, ${length}\r\n\r\n${body}`, 400],
  ['a signed Content-Length', `${chat}${json}Content-Length: +${length}\r\n\r\n${body}`, 400],
  ['a hexadecimal Content-Length', `${chat}${json}Content-Length: 0x39\r\n\r\n${body}`, 400],
  [
    'Transfer-Encoding twice',
    `${chat}${json}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n${chunked}`,
    400,
  ],
  [
    'Transfer-Encoding "chunked, identity"',
    `${chat}${json}Transfer-Encoding: chunked, identity\r\n\r\n${chunked}`,
    400,
  ],
  [
    'Transfer-Encoding "gzip, chunked"',
    `${chat}${json}Transfer-Encoding: gzip, chunked\r\n\r\n${chunked}`,
    501,
  ],
  [
    'Transfer-Encoding in HTTP/1.0',
    `POST /v1/chat/completions HTTP/1.0\r\nHost: localhost\r\n${json}Transfer-Encoding: chunked\r\n\r\n${chunked}`,
    400,
  ],
  ['a blank before the colon', `${chat}${json}Content-Length : ${length}\r\n\r\n${body}`, 400],
  ['a folded header', `${chat}${json}X-A: 1\r\n 2\r\nContent-Length: ${length}\r\n\r\n${body}`, 400],
  ['bare line feeds', `GET /v1/models HTTP/1.1\nHost: localhost\n\n`, 400],
  ['a bare carriage return', `GET /v1/models HTTP/1.1\r\nHost: localhost\rX: 1\r\n\r\n`, 400],
  ['a NUL in a header', `GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n`, 400],
  ['a chunk with a wrong end', `${chat}${json}Transfer-Encoding: chunked\r\n\r\n5\r\nabcdeXX`, 400],
  ['no Host', 'GET /v1/models HTTP/1.1\r\n\r\n', 400],
  ['the HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ['two Host headers', models('/v1/models', 'Host: localhost\r\nHost: localhost\r\n'), 400],
  ['a Host with a path (CVE-2026-48710)', models('/v1/models', 'Host: a/?x=\r\n'), 400],
  ['a Host with a user', models('/v1/models', 'Host: u@evil\r\n'), 400],
  ['an empty Host', models('/v1/models', 'Host: \r\n'), 400],
  [
    'two Authorization headers',
    models('/v1/models', 'Host: localhost\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n'),
    400,
  ],
  ['a target in absolute form', models('http://localhost/v1/models'), 400],
  ['"*" on GET', models('*'), 400],
  ['a target that begins with //', models('//evil/v1/models'), 400],
  ['percent escapes', models('/v1/%2e%2e/models'), 400],
  ['a backslash', models('/v1\\models'), 400],
  ['a fragment', models('/v1/models#x'), 400],
  ['GET with a body', `GET /v1/models HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello`, 400],
  [
    'HEAD with a chunked body',
    `HEAD /v1/models HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
  ],
  ['65 header lines', models('/v1/models', `Host: localhost\r\n${many(64)}`), 431],
  ['2,502 header lines', models('/v1/models', `Host: localhost\r\n${many(1_200)}`), 431],
  [
    '17 KiB of headers (CVE-2025-48956)',
    models('/v1/models', `Host: localhost\r\nX: ${'a'.repeat(17_000)}\r\n`),
    431,
  ],
  [
    'an unknown Expect',
    `${chat}${json}Expect: magic\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n${body}`,
    417,
  ],
  [
    'another type of body',
    `${chat}Content-Type: text/plain\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n${body}`,
    415,
  ],
  ['a query string', 'GET /v1/models?x=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 404],
  ['a trailing slash', 'GET /v1/models/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 404],
  ['another method', 'DELETE /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 405],
  [
    'a foreign Host while no key is asked for (DNS rebinding)',
    models('/v1/models', 'Host: evil.example\r\n'),
    403,
  ],
];

describe('the parse guard', () => {
  it.each(refused)('refuses %s and opens no connection to the engine', async (_what, bytes, status) => {
    const answer = await rawExchange(front.port, bytes);
    expect(Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])).toBe(status);
    expect(front.upstream.connections()).toBe(0);
  });

  it('drops CONNECT without an answer', async () => {
    expect(await rawExchange(front.port, 'CONNECT evil:443 HTTP/1.1\r\nHost: evil:443\r\n\r\n')).toBe('');
  });

  it('opens no connection to the engine when the body turns bad after a good start', async () => {
    const answer = await rawExchange(
      front.port,
      `${chat}${json}Transfer-Encoding: chunked\r\n\r\n5\r\n{"mod\r\nZZ\r\n`,
    );
    expect(answer).not.toContain('200 OK');
    expect(front.upstream.connections()).toBe(0);
  });

  it('answers an upgrade to h2c or websocket as a plain request', async () => {
    const head = 'Connection: Upgrade, close\r\nUpgrade: h2c\r\n';
    expect(await rawExchange(front.port, models('/health/live', `Host: localhost\r\n${head}`))).toContain(
      'HTTP/1.1 200',
    );
  });
});

describe('guardRequest', () => {
  const accept = ['localhost', 'localhost:8000', 'my-box.example', '127.0.0.1:1', '[::1]:8000'];
  it.each(accept)('takes Host %s', (host) => {
    const head = guardRequest({ method: 'GET', url: '/', httpVersion: '1.1', rawHeaders: ['Host', host] });
    expect(head).toMatchObject({ host, hasBody: false });
  });

  it('takes chunked in any case and Content-Length: 0 on GET', () => {
    const post = guardRequest({
      method: 'POST',
      url: '/',
      httpVersion: '1.1',
      rawHeaders: ['Host', 'a', 'TRANSFER-ENCODING', 'Chunked'],
    });
    expect(post).toMatchObject({ hasBody: true });
    const read = guardRequest({
      method: 'GET',
      url: '/',
      httpVersion: '1.1',
      rawHeaders: ['host', 'a', 'content-length', '0'],
    });
    expect(read).toMatchObject({ hasBody: false });
  });
});
