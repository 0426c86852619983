import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createTransport, proxyOptions } from '../../../src/model/hub/transport.ts';

describe('proxies from the environment', () => {
  it.each([
    [{}, null],
    [
      { HTTPS_PROXY: 'http://p:1' },
      { httpProxy: '', httpsProxy: 'http://p:1', noProxy: 'localhost,127.0.0.1,::1' },
    ],
    [
      { http_proxy: 'http://p:1', HTTP_PROXY: 'http://q:1', NO_PROXY: 'corp' },
      { httpProxy: 'http://p:1', httpsProxy: '', noProxy: 'corp,localhost,127.0.0.1,::1' },
    ],
  ])('of %j are %j', (env, expected) => {
    expect(proxyOptions(env)).toEqual(expected);
  });

  it('carry a request to another host, and none to loopback', async () => {
    const target = createServer((request, response) => response.end(`direct ${request.url}`));
    const asked: string[] = [];
    const proxy = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.end('through the proxy');
    });
    proxy.on('connect', (request, socket) => {
      asked.push(request.url ?? '');
      const upstream = connect((target.address() as AddressInfo).port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        upstream.pipe(socket).pipe(upstream);
      });
      upstream.on('error', () => socket.destroy());
      socket.on('error', () => upstream.destroy());
    });
    for (const server of [target, proxy]) {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
      onTestFinished(() => {
        server.closeAllConnections();
        server.close();
      });
    }
    const address = (server: typeof proxy): string =>
      `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const transport = createTransport({
      connections: 2,
      headersTimeoutMs: 2000,
      env: { HTTP_PROXY: address(proxy) },
    });
    onTestFinished(() => transport.destroy());
    const outside = await transport.request({ origin: 'http://hub.invalid', path: '/x', method: 'GET' });
    await outside.body.text();
    expect(asked.join()).toContain('hub.invalid');
    const inside = await transport.request({ origin: address(target), path: '/y', method: 'GET' });
    expect(await inside.body.text()).toBe('direct /y');
    expect(asked).toHaveLength(1);
  });
});
