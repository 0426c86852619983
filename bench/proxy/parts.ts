/** The processes of bench/proxy.ts, by role: `node parts.ts upstream|stepctl|pipe PORT`. Each tells its port over IPC. */
import { Agent, createServer as createHttpServer, request as httpRequest } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createProxy } from '../../src/proxy/index.ts';
import type { EngineView } from '../../src/supervisor/types.ts';

const answer = JSON.stringify({
  id: 'c',
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content: 'x'.repeat(850) }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 200, total_tokens: 400, completion_tokens: 200 },
});
const plain = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${answer.length}\r\n\r\n${answer}`;
const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const chunked = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
const token = chunked(
  `data: ${JSON.stringify({ id: 'chatcmpl-0', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta: { content: ' token' }, logprobs: null, finish_reason: null }] })}\n\n`,
);
const end = `${chunked('data: [DONE]\n\n')}0\r\n\r\n`;
/** 200 tokens a second for each stream, two seconds long. */
const tokensPerStream = 400;
const tickMs = 5;

/** As cheap as a server can be: it looks only at the end of each read. The bodies of the load end with `}`. */
function serveUpstream(): void {
  const streams = new Map<Socket, number>();
  setInterval(() => {
    for (const [socket, left] of streams) {
      socket.write(left > 0 ? token : end);
      if (left > 0) streams.set(socket, left - 1);
      else streams.delete(socket);
    }
  }, tickMs);
  const server = createServer({ noDelay: true }, (socket) => {
    let isStream = false;
    socket.on('error', () => streams.delete(socket)).on('close', () => streams.delete(socket));
    socket.on('data', (bytes) => {
      isStream ||= bytes.includes('"stream":true');
      if (bytes.at(-1) !== 125) return;
      if (isStream) {
        socket.write(head);
        streams.set(socket, tokensPerStream);
      } else socket.write(plain);
      isStream = false;
    });
  });
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
}

async function serveStepctl(port: number): Promise<void> {
  const snapshot = {
    state: 'ready' as const,
    incarnation: 1,
    since: 0,
    phase: null,
    phaseProgress: null,
    readyInMs: null,
    endpoint: { kind: 'tcp' as const, host: '127.0.0.1', port },
    engineId: null,
    until: null,
    diagnosis: null,
    restarts: 0,
  };
  const view: EngineView = { snapshot: () => snapshot, subscribe: () => () => {} };
  const keys = {
    create: () => Promise.reject(new Error('none')),
    list: () => Promise.resolve([]),
    revoke: () => Promise.reject(new Error('none')),
    check: () => null,
  };
  const proxy = createProxy({
    view,
    servedName: 'm',
    keys,
    localKey: { matches: (text) => text === 'bench' },
    listen: { host: '127.0.0.1', port: 0 },
    onAccess: () => {},
  });
  process.send?.((await proxy.start()).port);
}

/** The least that a Node proxy can do: pipe both ways over kept-alive connections, no policy at all. */
function servePipe(port: number): void {
  const agent = new Agent({ keepAlive: true, maxSockets: 1_024 });
  const server = createHttpServer((request, response) => {
    const { method, url, headers } = request;
    const up = httpRequest({ host: '127.0.0.1', port, method, path: url, headers, agent }, (reply) => {
      response.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(response);
    });
    up.on('error', () => response.destroy());
    request.pipe(up);
  });
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
}

const [role = '', port = '0'] = process.argv.slice(2);
process.on('disconnect', () => process.exit());
if (role === 'upstream') serveUpstream();
if (role === 'stepctl') await serveStepctl(Number(port));
if (role === 'pipe') servePipe(Number(port));
