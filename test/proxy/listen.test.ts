import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createProxy, type KeyStore } from '../../src/proxy/index.ts';
import { isLoopbackHost } from '../../src/proxy/listener/host.ts';
import { listeningInodes } from '../../src/proxy/listener/port-owner.ts';
import { createView } from '../fixtures/upstream/engine-view.ts';
import { type Front, get, openFront, openSocket } from '../fixtures/upstream/front.ts';

let front: Front | null = null;
afterEach(async () => {
  await front?.close();
  front = null;
});

const noKeys: KeyStore = {
  create: () => Promise.reject(new Error('none')),
  list: () => Promise.resolve([]),
  revoke: () => Promise.reject(new Error('none')),
  check: () => null,
};

const proxyOn = (host: string, port: number, keys: KeyStore | null = null) =>
  createProxy({ view: createView(), servedName: 'm', keys, listen: { host, port } });

describe('listening', () => {
  it('a taken port is an error that says by whom', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const proxy = proxyOn('127.0.0.1', port);
    await expect(proxy.start()).rejects.toMatchObject({
      code: 'STEP_PROXY_PORT_BUSY',
      exitCode: 9,
      details: process.platform === 'linux' ? { port, pid: process.pid } : { port },
    });
    await proxy.close();
    server.close();
  });

  it('without keys only loopback is listened on', async () => {
    const proxy = proxyOn('0.0.0.0', 0);
    await expect(proxy.start()).rejects.toMatchObject({ code: 'STEP_PROXY_OPEN_ADDRESS', exitCode: 64 });
    await proxy.close();
  });

  it.each([
    ['127.0.0.1', true],
    ['127.8.9.1', true],
    ['::1', true],
    ['localhost', true],
    ['0.0.0.0', false],
    ['::', false],
    ['127.0.0.1.evil.example', false],
    ['10.0.0.1', false],
  ])('%s is loopback: %s', (host, expected) => {
    expect(isLoopbackHost(host)).toBe(expected);
  });

  it('another address that cannot be had is an error too', async () => {
    const proxy = proxyOn('127.0.0.1', 0);
    await proxy.start();
    await proxy.close();
    await proxy.close();
    await expect(proxyOn('203.0.113.1', 0, noKeys).start()).rejects.toMatchObject({
      code: 'STEP_PROXY_LISTEN',
    });
  });

  it("reads the kernel's table of sockets", () => {
    const table = [
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
      '   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4242 1',
      '   1: 0100007F:1F40 0100007F:9999 01 00000000:00000000 00:00000000 00000000  1000        0 4343 1',
    ].join('\n');
    expect(listeningInodes(table, 8000)).toEqual(['4242']);
    expect(listeningInodes(table, 8001)).toEqual([]);
  });
});

describe('limits of the listener', () => {
  it('drops connections above the bound of one address', async () => {
    front = await openFront({ policy: { maxConnectionsPerAddress: 2 } });
    const sockets = [await openSocket(front.port), await openSocket(front.port)];
    const third = await openSocket(front.port);
    third.on('error', () => {});
    await once(third.resume(), 'close');
    for (const socket of sockets) socket.destroy();
  });

  it('slow heads are cut off with 408 while others are served', async () => {
    front = await openFront({ timers: { headersMs: 100, requestMs: 100, connectionCheckMs: 20 } });
    const slow = await openSocket(front.port);
    let got = '';
    slow.on('data', (part: Buffer) => (got += part.toString()));
    slow.write('POST /v1/chat/completions HTTP/1.1\r\nHost: loc');
    expect((await get(front.port, '/health/live')).status).toBe(200);
    await once(slow, 'close');
    expect(got).toContain('HTTP/1.1 408');
  });
});
