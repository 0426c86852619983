import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { chmod } from 'node:fs/promises';
import { toStepError } from '../lib/index.ts';
import type { ControllerApi } from './types.ts';

export interface ControlServer {
  close(): Promise<void>;
}

const send = (response: ServerResponse, status: number, body: unknown): void => {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
};

async function answer(api: ControllerApi, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://controller');
  const route = `${request.method ?? 'GET'} ${url.pathname}`;
  try {
    if (route === 'GET /v1/status') return send(response, 200, api.status());
    if (route === 'GET /v1/local-key') return send(response, 200, { key: api.localKey() });
    if (route === 'POST /v1/restart') {
      await api.restart();
      return send(response, 200, { ok: true });
    }
    if (route === 'POST /v1/down') {
      const drain = url.searchParams.get('drainMs');
      await api.down(drain === null ? null : Number(drain));
      return send(response, 200, { ok: true });
    }
    return send(response, 404, {
      error: { code: 'STEP_USAGE', verdict: `the controller knows no ${route}` },
    });
  } catch (error) {
    return send(response, 500, { error: toStepError(error).toJSON() });
  }
}

/**
 * Serves the controller's API on a unix socket of mode 0600: who can open it is the user who runs the controller,
 * and needs no key. Requests wait as long as the work they ask for; the client sets the deadline.
 */
export async function serveControl(socket: string, api: ControllerApi): Promise<ControlServer> {
  const server = createServer((request, response) => void answer(api, request, response));
  server.requestTimeout = 10_000;
  await listen(server, socket);
  await chmod(socket, 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}

function listen(server: Server, socket: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(socket, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
