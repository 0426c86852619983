import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type ApiClient,
  ApiError,
  type ChatAnswer,
  createChatCollector,
  openApiClient,
  type StreamChunk,
  type StreamEvent,
} from '../../../src/lib/openai-client/index.ts';
import {
  type MockEngine,
  type MockProgram,
  mockScript,
  startMockEngine,
} from '../../fixtures/mock-engine/index.ts';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).toReversed()) await each.close();
});

async function setUp(program: Partial<MockProgram> = {}): Promise<{ engine: MockEngine; client: ApiClient }> {
  const engine = await startMockEngine(program);
  const client = openApiClient({
    address: { baseUrl: `${engine.url}/v1/`, socketPath: null },
    apiKey: program.apiKey ?? null,
  });
  opened.push(engine, client);
  return { engine, client };
}

const path = '/v1/chat/completions';
const body = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  model: 'mock',
  messages: [{ role: 'user', content: 'hi' }],
  stream: true,
  stream_options: { include_usage: true, continuous_usage_stats: true },
  max_tokens: 8,
  ...more,
});

async function collect(
  events: AsyncIterable<StreamEvent>,
): Promise<{ events: StreamEvent[]; answer: ChatAnswer }> {
  const collector = createChatCollector();
  const seen: StreamEvent[] = [];
  for await (const event of events) {
    seen.push(event);
    collector.add(event);
  }
  return { events: seen, answer: collector.answer() };
}

const words = 'one two drei quatre fünf 六 seven 🎉';

describe('stream', () => {
  it.each([
    ['plain', {}],
    ['CRLF', { lineEnd: '\r\n' as const }],
    ['CR', { lineEnd: '\r' as const }],
    ['comments', { hasComments: true }],
    ['one byte a write', { isByteByByte: true, hasComments: true, lineEnd: '\r\n' as const }],
    ['coalesced events', { coalesce: 5 }],
    ['several tokens a chunk', { tokensPerChunk: 3 }],
  ])('puts the text together whole: %s', async (_name, program) => {
    const { client } = await setUp(program);
    const { answer, events } = await collect(client.stream(path, body()));
    expect(answer).toMatchObject({ content: words, isDone: true, finishReason: 'length', fault: null });
    expect(answer.usage?.completionTokens).toBe(8);
    expect(events[0]?.kind).toBe('open');
    expect(events.at(-1)?.kind).toBe('end');
  });

  it('keeps reasoning, content and tool calls apart', async () => {
    const { client } = await setUp({ script: mockScript });
    const { answer } = await collect(client.stream(path, body({ tools: [{}], max_tokens: 100 })));
    expect(answer.reasoning).toBe('I should look it up.');
    expect(answer.content).toBe('');
    expect(answer.toolCalls).toEqual([{ id: 'call-1', name: 'get_weather', arguments: '{"city":"Paris"}' }]);
    expect(answer.finishReason).toBe('tool_calls');
  });

  it('gives events of one socket read one stamp, and stamps never go back', async () => {
    const { client } = await setUp({ coalesce: 8 });
    const { events } = await collect(client.stream(path, body()));
    const chunks = events.filter((event): event is StreamChunk => event.kind === 'chunk');
    const stampOfRead = new Map<number, number>();
    for (const { read, readAt } of chunks) {
      expect(stampOfRead.get(read) ?? readAt).toBe(readAt);
      stampOfRead.set(read, readAt);
    }
    const withText = chunks.filter((chunk) => chunk.content !== '');
    expect(new Set(withText.map((chunk) => chunk.read)).size).toBe(1);
    const stamps = chunks.map((chunk) => chunk.readAt);
    expect(stamps).toEqual(stamps.toSorted((a, b) => a - b));
  });

  it('sends before the headers come, and counts reads and bytes', async () => {
    const { client } = await setUp();
    const { events } = await collect(client.stream(path, body()));
    const open = events[0];
    const end = events.at(-1);
    if (open?.kind !== 'open' || end?.kind !== 'end') throw new Error('no open or end');
    expect(open.sentAt).toBeLessThanOrEqual(open.headersAt);
    expect(end.reads).toBeGreaterThan(0);
    expect(end.bytes).toBeGreaterThan(100);
  });

  it('keeps status, body and request id of a refusal', async () => {
    const { client } = await setUp({ refuse: { status: 429, body: 'queue is full', times: 1 } });
    const error = await collect(client.stream(path, body())).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiError);
    expect((error as ApiError).failure).toMatchObject({
      kind: 'refused',
      status: 429,
      message: 'queue is full',
    });
    expect((error as ApiError).failure.body).toContain('queue is full');
    expect((await collect(client.stream(path, body()))).answer.isDone).toBe(true);
  });

  it('reports an error inside a 200 stream', async () => {
    const { client } = await setUp({ fault: { kind: 'error-event', afterChunks: 2 } });
    const { answer } = await collect(client.stream(path, body()));
    expect(answer.fault).toBe('EngineCore died');
    expect(answer.finishReason).toBeNull();
  });

  it('throws when the connection is cut in the middle', async () => {
    const { client } = await setUp({ fault: { kind: 'disconnect', afterChunks: 3 } });
    await expect(collect(client.stream(path, body()))).rejects.toMatchObject({
      failure: { kind: 'broken', status: 200 },
    });
  });

  it('cuts the connection when the reader leaves, so that the engine stops', async () => {
    const { client, engine } = await setUp({ script: mockScript, itlMs: 5 });
    const endless = body({ messages: [{ role: 'user', content: 'Count for ever.' }], max_tokens: 50_000 });
    for await (const event of client.stream(path, endless))
      if (event.kind === 'chunk' && event.content !== '') break;
    await expect.poll(() => engine.running()).toBe(0);
  });

  it('stops at the signal, before and after the answer began', async () => {
    const { client } = await setUp({ script: mockScript, itlMs: 5 });
    const before = AbortSignal.abort();
    await expect(collect(client.stream(path, body(), { signal: before }))).rejects.toMatchObject({
      failure: { kind: 'aborted' },
    });
    const during = new AbortController();
    const run = async (): Promise<void> => {
      for await (const event of client.stream(path, body(), { signal: during.signal }))
        if (event.kind === 'chunk') during.abort();
    };
    await expect(run()).rejects.toMatchObject({ code: 'STEP_INTERRUPTED' });
  });

  it('has a deadline of its own for a silent engine', async () => {
    const { client } = await setUp({ roleDelayMs: null, ttftMs: 60_000 });
    await expect(collect(client.stream(path, body(), { timeoutMs: 30 }))).rejects.toMatchObject({
      code: 'STEP_API_TIMEOUT',
      failure: { kind: 'timed-out' },
    });
  });

  it('says that nothing answers when nothing does', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const client = openApiClient({
      address: { baseUrl: `http://127.0.0.1:${port}`, socketPath: null },
      apiKey: null,
    });
    opened.push(client);
    const error = await collect(client.stream(path, body())).catch((thrown: unknown) => thrown as ApiError);
    expect(error).toMatchObject({
      code: 'STEP_API_UNREACHABLE',
      failure: { kind: 'unreachable', status: null },
    });
  });

  it('speaks over a unix socket', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'stepctl-api-'));
    opened.push({ close: () => rm(folder, { recursive: true }) });
    const socketPath = join(folder, 'engine.sock');
    const engine = await startMockEngine({}, socketPath);
    const client = openApiClient({ address: { baseUrl: engine.url, socketPath }, apiKey: null });
    opened.push(engine, client);
    expect((await collect(client.stream(path, body()))).answer.content).toBe(words);
  });
});

describe('request', () => {
  it('hands back any status with body and headers', async () => {
    const { client } = await setUp({ apiKey: 'sk-right' });
    expect(await client.request('GET', '/v1/models', undefined)).toMatchObject({
      status: 200,
      json: { data: [{ id: 'mock' }] },
    });
    const wrong = await client.request('GET', '/v1/models', undefined, { apiKey: 'sk-wrong' });
    expect(wrong).toMatchObject({ status: 401, json: { error: { message: 'the key is not known' } } });
    expect((await client.request('GET', '/v1/models', undefined, { apiKey: null })).status).toBe(401);
  });
});
