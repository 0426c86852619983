import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type Front,
  get,
  hello,
  helloStream,
  openFront,
  openPost,
  post,
  readReply,
  collect,
} from '../fixtures/upstream/front.ts';
import {
  beginStream,
  completion,
  doneEvent,
  sendJson,
  tokenEvent,
  usageEvent,
} from '../fixtures/upstream/upstream.ts';

let front: Front;
afterEach(() => front.close());

describe('a plain request', () => {
  it('goes to the engine re-serialised and comes back byte for byte', async () => {
    front = await openFront();
    const reply = await post(
      front.port,
      '{"model":"m", "messages":[{"role":"user","content":"\\u0068i","content":"hi"}],"temperature":0}',
    );
    expect(reply).toMatchObject({ status: 200, text: completion, isWhole: true });
    expect(front.upstream.seen[0]?.text).toBe(
      '{"model":"m","messages":[{"role":"user","content":"hi"}],"temperature":0}',
    );
  });

  it('reaches an engine on a unix socket', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'proxy-'));
    front = await openFront({ upstreamPath: join(folder, 's') });
    expect((await post(front.port, hello)).status).toBe(200);
    expect(front.upstream.seen[0]?.rawHeaders).toContain('engine');
    rmSync(folder, { recursive: true });
  });

  it('writes an access record with tokens and without any of the text', async () => {
    front = await openFront();
    await post(front.port, hello);
    const record = await front.record(0);
    expect(record).toMatchObject({
      route: 'chat',
      status: 200,
      end: 'complete',
      promptTokens: 7,
      completionTokens: 5,
      keyId: 'open',
      isStream: false,
    });
    expect(JSON.stringify(record)).not.toContain('hi"');
    expect(record.ttftMs).toBeGreaterThan(0);
  });

  it('passes on an error of the engine as it is', async () => {
    front = await openFront();
    const text = '{"error":{"message":"too long","type":"BadRequestError","param":null,"code":400}}';
    front.upstream.behave((seen) => sendJson(seen, 400, text));
    expect(await post(front.port, hello)).toMatchObject({ status: 400, text });
    expect((await front.record(0)).end).toBe('engine_error');
  });

  it('passes on an answer larger than what is held in memory', async () => {
    front = await openFront();
    const text = `{"x":"${'y'.repeat(3_000_000)}"}`;
    front.upstream.behave((seen) => sendJson(seen, 200, text));
    const reply = await post(front.port, hello);
    expect(reply.text.length).toBe(text.length);
    expect(reply.isWhole).toBe(true);
    expect((await front.record(0)).end).toBe('complete');
  });

  it('reuses its connection to the engine', async () => {
    front = await openFront();
    for (let round = 0; round < 5; round += 1) await post(front.port, hello);
    expect(front.upstream.connections()).toBe(1);
  });
});

describe('a stream', () => {
  it('comes through whole; the usage chunk that the client did not ask for is counted and taken out', async () => {
    front = await openFront();
    const reply = await post(front.port, helloStream);
    expect(reply.text).toBe(`${tokenEvent('hel')}${tokenEvent('lo')}${doneEvent}`);
    expect(reply.isWhole).toBe(true);
    expect(reply.headers['x-accel-buffering']).toBe('no');
    expect(front.upstream.seen[0]?.body['stream_options']).toEqual({ include_usage: true });
    expect(await front.record(0)).toMatchObject({ promptTokens: 7, completionTokens: 5, end: 'complete' });
  });

  it('keeps the usage chunk for a client that asked for it', async () => {
    front = await openFront();
    const reply = await post(front.port, { ...helloStream, stream_options: { include_usage: true } });
    expect(reply.text).toContain(usageEvent);
  });

  it('hands out each event as it comes', async () => {
    front = await openFront();
    front.upstream.behave((seen) => {
      beginStream(seen);
      seen.response.write(tokenEvent('one'));
    });
    const request = openPost(front.port, helloStream);
    const answer = await collect(request);
    await answer.until(tokenEvent('one'));
    const seen = await front.upstream.request(0);
    seen.response.end(`${tokenEvent('two')}${doneEvent}`);
    await answer.until(doneEvent);
  });
});

describe('the proxy itself', () => {
  it('answers models, health and metrics without touching the engine', async () => {
    front = await openFront();
    expect(JSON.parse((await get(front.port, '/v1/models')).text)).toMatchObject({
      data: [{ id: 'm', owned_by: 'stepctl' }],
    });
    expect((await get(front.port, '/v1/models/m')).status).toBe(200);
    for (const path of ['/health', '/health/live', '/health/ready'])
      expect((await get(front.port, path)).status).toBe(200);
    const metrics = await get(front.port, '/metrics');
    expect(metrics.text).toContain('stepctl_engine_state{state="ready"} 1');
    expect(front.upstream.connections()).toBe(0);
  });

  it('counts requests, tokens and durations', async () => {
    front = await openFront();
    await post(front.port, helloStream);
    await front.record(0);
    const text = await front.proxy.metrics();
    expect(text).toContain('stepctl_requests_total{route="chat",status="200",end="complete"} 1');
    expect(text).toContain('stepctl_completion_tokens_total 5');
    expect(text).toContain('stepctl_ttft_seconds_count 1');
  });

  it('serves the official client shape of errors', async () => {
    front = await openFront();
    const reply = await readReply(openPost(front.port, hello, { path: '/v1/embeddings' }));
    expect(reply.status).toBe(404);
    expect(reply.headers['x-stepctl-source']).toBe('proxy');
    expect(JSON.parse(reply.text)).toEqual({
      error: {
        message: 'no such route: POST /v1/embeddings',
        type: 'invalid_request_error',
        param: null,
        code: 'unknown_route',
      },
      source: 'stepctl-proxy',
    });
  });
});
