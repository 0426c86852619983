import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { CheckpointScript } from '../../lib/index.ts';
import type { SimOptions } from './args.ts';
import type { SimCore } from './core.ts';
import { generate } from './generate.ts';
import type { SimLog } from './log.ts';
import { renderMetrics } from './metrics.ts';
import { ApiError, parseRequest, type SimRequest } from './request.ts';

export interface SimServerDeps {
  readonly options: SimOptions;
  readonly core: SimCore;
  readonly truth: CheckpointScript | null;
  readonly log: SimLog;
}

const maxBodyBytes = 64 * 1024 * 1024;

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > maxBodyBytes) throw new ApiError(413, 'BadRequestError', 'request body is too large');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function send(response: ServerResponse, status: number, body: string, type = 'application/json'): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

const modelList = (options: SimOptions): string => {
  const id = options.faults.modelId ?? options.servedName;
  const entry = {
    id,
    object: 'model',
    created: 0,
    owned_by: 'vllm',
    root: options.modelDir,
    parent: null,
    max_model_len: options.maxModelLen,
  };
  return JSON.stringify({ object: 'list', data: [entry] });
};

type Get = (deps: SimServerDeps, response: ServerResponse) => void;

const health: Get = ({ core }, response) => send(response, core.isDead() ? 503 : 200, '');

const gets: Readonly<Record<string, Get>> = {
  '/health': health,
  '/ping': health,
  '/version': ({ options }, response) =>
    send(response, 200, JSON.stringify({ version: `${options.faults.version}+sim` })),
  '/v1/models': ({ options }, response) => send(response, 200, modelList(options)),
  '/load': ({ core }, response) =>
    send(response, 200, JSON.stringify({ server_load: core.counters.running })),
  '/metrics': ({ core, options }, response) =>
    send(
      response,
      200,
      renderMetrics(core.counters, options.servedName),
      'text/plain; version=0.0.4; charset=utf-8',
    ),
};

const posts: Readonly<Record<string, SimRequest['kind']>> = {
  '/v1/chat/completions': 'chat',
  '/v1/completions': 'completion',
};

async function handle(
  deps: SimServerDeps,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? '/').split('?')[0] ?? '/';
  const get = gets[path];
  const kind = posts[path];
  if (request.method === 'GET' && get !== undefined) return get(deps, response);
  if (request.method === 'POST' && kind !== undefined) {
    return generate(deps, parseRequest(kind, await readBody(request), deps.options), response);
  }
  const isKnown = get !== undefined || kind !== undefined;
  send(
    response,
    isKnown ? 405 : 404,
    JSON.stringify({ detail: isKnown ? 'Method Not Allowed' : 'Not Found' }),
  );
}

function answerError(deps: SimServerDeps, response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  const known = error instanceof ApiError ? error : new ApiError(500, 'InternalServerError', String(error));
  const status = known.status === 500 && deps.options.faults.hasErrorAs200 ? 200 : known.status;
  send(response, status, JSON.stringify(known.body()));
}

/** The HTTP side, with the routes and answers of `vllm serve` that stepctl meets. Not listening yet. */
export function createSimServer(deps: SimServerDeps): Server {
  return createServer((request, response) => {
    response.once('finish', () => {
      // Probes come several times a second and would bury the rest.
      if (request.method === 'GET') return;
      const line = `INFO:     127.0.0.1:0 - "${request.method} ${request.url} HTTP/1.1" ${response.statusCode}`;
      deps.log.raw(line);
    });
    handle(deps, request, response).catch((error: unknown) => answerError(deps, response, error));
  });
}
