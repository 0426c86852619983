import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { StepError } from '../../lib/index.ts';
import { findPortOwner } from './port-owner.ts';

/** Starts listening. Throws STEP_PROXY_PORT_BUSY, naming who has the port where that can be found, or STEP_PROXY_LISTEN. */
export async function listenOn(
  server: Server,
  host: string,
  port: number,
): Promise<{ host: string; port: number }> {
  try {
    server.listen({ host, port, exclusive: true });
    await once(server, 'listening');
  } catch (error) {
    throw await explain(error as NodeJS.ErrnoException, host, port);
  }
  return { host, port: (server.address() as AddressInfo).port };
}

async function explain(error: NodeJS.ErrnoException, host: string, port: number): Promise<StepError> {
  if (error.code !== 'EADDRINUSE') {
    return new StepError('STEP_PROXY_LISTEN', {
      verdict: `the front door cannot listen on ${host}:${port}`,
      reason: error.message,
      next: 'choose another address: --listen 127.0.0.1:PORT',
      cause: error,
    });
  }
  const owner = await findPortOwner(port);
  return new StepError('STEP_PROXY_PORT_BUSY', {
    verdict: `port ${port} on ${host} is taken`,
    reason:
      owner === null
        ? 'another process listens there'
        : `process ${owner.pid} listens there: ${owner.command}`,
    next: `stop that process, or take another port: --listen ${host}:${port + 1}`,
    details: { host, port, pid: owner?.pid ?? null, command: owner?.command ?? null },
    cause: error,
  });
}
