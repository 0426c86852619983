import { afterEach, describe, expect, it } from 'vitest';
import { decideAfterLoss, type LossFacts } from '../../src/proxy/forward/decide-loss.ts';
import { isEngineDead, readErrorStatus } from '../../src/proxy/forward/engine-error.ts';
import { readyAt, starting } from '../fixtures/upstream/engine-view.ts';
import {
  codeOf,
  type Front,
  hello,
  helloStream,
  openFront,
  openPost,
  post,
  collect,
} from '../fixtures/upstream/front.ts';
import {
  answerWell,
  beginStream,
  completion,
  deadError,
  doneEvent,
  type FixtureUpstream,
  sendJson,
  startUpstream,
  tokenEvent,
} from '../fixtures/upstream/upstream.ts';

let front: Front | null = null;
let next: FixtureUpstream | null = null;
afterEach(async () => {
  await front?.close();
  front = null;
  await next?.close();
  next = null;
});

/** The engine dies with what it has; the supervisor says so; another incarnation comes up. */
async function replaceEngine(): Promise<void> {
  front?.view.set(starting(2));
  next = await startUpstream();
  front?.view.set(readyAt(next.endpoint, 2));
}

describe('decideAfterLoss', () => {
  const facts: LossFacts = {
    isNeverSent: false,
    hasAnswerBytes: false,
    wasReused: false,
    isDelivered: false,
    retries: 0,
    readmits: 0,
    isReadmitting: true,
  };
  const rows: readonly (readonly [string, Partial<LossFacts>, string])[] = [
    [
      'never sent: waits as before, any number of times',
      { isNeverSent: true, readmits: 1, retries: 1, isReadmitting: false },
      'requeue',
    ],
    ['reused connection without a byte: the keep-alive race', { wasReused: true }, 'retry'],
    ['that race twice: no race', { wasReused: true, retries: 1 }, 'readmit'],
    ['that race with the switch off', { wasReused: true, isReadmitting: false }, 'retry'],
    ['reused connection with bytes', { wasReused: true, hasAnswerBytes: true }, 'readmit'],
    ['died with it', {}, 'readmit'],
    ['died with it again', { readmits: 1 }, 'fail'],
    ['switch off', { isReadmitting: false }, 'fail'],
    ['the client has part of it', { isDelivered: true, wasReused: true, isNeverSent: true }, 'fail'],
  ];
  it.each(rows)('%s', (_what, change, verdict) => {
    expect(decideAfterLoss({ ...facts, ...change })).toBe(verdict);
  });
});

describe('engine errors', () => {
  it.each([
    [deadError, 500, true],
    ['{"error":{"message":"cannot schedule new futures after shutdown","type":"x","code":500}}', 500, true],
    ['{"error": {"message": "no", "code": 400}}', 400, false],
    ['{"object":"error","message":"no","code":404}', 404, false],
    [completion, null, false],
    [JSON.stringify({ choices: [{ message: { content: '{"error": {"code": 500}}' } }] }), null, false],
  ])('reads %s', (text, status, isDead) => {
    expect(readErrorStatus(text)).toBe(status);
    expect(status !== null && isEngineDead(text)).toBe(isDead);
  });
});

describe('an engine that dies before the client has anything', () => {
  it('makes a forwarded plain request run again at the next incarnation, once', async () => {
    front = await openFront();
    front.upstream.behave(({ socket }) => socket.resetAndDestroy());
    const reply = post(front.port, hello);
    await front.upstream.request(0);
    await replaceEngine();
    expect(await reply).toMatchObject({ status: 200, text: completion });
    expect(next?.seen.length).toBe(1);
    expect(await front.record(0)).toMatchObject({ readmits: 1, end: 'complete' });
    expect(await front.proxy.metrics()).toContain('stepctl_readmitted_total 1');
  });

  it.each([
    ['HTTP 500', 500],
    ['HTTP 200 (0.16.0)', 200],
  ])(
    'is recognised by its EngineDead body with %s, and nothing more goes to that incarnation',
    async (_what, status) => {
      front = await openFront();
      front.upstream.behave((seen) => sendJson(seen, status, deadError));
      const replies = [post(front.port, hello)];
      await front.upstream.request(0);
      replies.push(post(front.port, hello));
      while (front.proxy.stats().queued < 2) await new Promise((resolve) => setImmediate(resolve));
      await replaceEngine();
      for (const reply of await Promise.all(replies))
        expect(reply).toMatchObject({ status: 200, text: completion });
      expect(front.upstream.seen.length).toBe(1);
    },
  );

  it.each([
    ['the first event is the error', ''],
    ['a token and the error come in one read', tokenEvent('once')],
  ])('makes a stream of which nothing was sent run again: %s', async (_what, before) => {
    front = await openFront();
    front.upstream.behave((seen) => {
      beginStream(seen);
      seen.response.end(`${before}data: ${deadError}\n\n${doneEvent}`);
    });
    const reply = post(front.port, helloStream);
    await front.upstream.request(0);
    await replaceEngine();
    expect(await reply).toMatchObject({
      status: 200,
      text: `${tokenEvent('hel')}${tokenEvent('lo')}${doneEvent}`,
      isWhole: true,
    });
  });

  it('answers 503 engine_lost when it happens twice', async () => {
    front = await openFront({ timers: { refusedHoldMs: 1 } });
    front.upstream.behave(({ response }) => response.destroy());
    const reply = await post(front.port, hello);
    expect([reply.status, codeOf(reply)]).toEqual([503, 'engine_lost']);
    expect(front.upstream.seen.length).toBe(2);
    expect((await front.record(0)).end).toBe('upstream_lost');
  });

  it('answers 503 at once with the switch off', async () => {
    front = await openFront({ policy: { isReadmitting: false } });
    front.upstream.behave(({ response }) => response.destroy());
    expect((await post(front.port, hello)).status).toBe(503);
    expect(front.upstream.seen.length).toBe(1);
  });

  it('a refused connection lets the request wait, though the snapshot still says ready', async () => {
    front = await openFront({ policy: { isReadmitting: false } });
    await front.upstream.close();
    const reply = post(front.port, hello);
    while (front.proxy.stats().queued === 0) await new Promise((resolve) => setImmediate(resolve));
    await replaceEngine();
    expect((await reply).status).toBe(200);
    front.upstream.close = () => Promise.resolve();
  });

  it('a connection closed as idle is tried again without waiting', async () => {
    front = await openFront({ policy: { isReadmitting: false } });
    await post(front.port, hello);
    const { upstream } = front;
    upstream.behave(({ socket }) => {
      upstream.behave(answerWell);
      socket.resetAndDestroy();
    });
    expect((await post(front.port, hello)).status).toBe(200);
    expect(front.upstream.seen.length).toBe(3);
  });

  it('an error with status 200 that is no death reaches the client with its own status', async () => {
    front = await openFront();
    front.upstream.behave((seen) =>
      sendJson(seen, 200, '{"error":{"message":"bad","type":"BadRequestError","param":null,"code":422}}'),
    );
    expect((await post(front.port, hello)).status).toBe(422);
  });
});

describe('a stream that cannot be finished', () => {
  const broken: readonly (readonly [string, (front: Front) => void])[] = [
    ['the connection is reset', ({ upstream }) => upstream.seen[0]?.socket.resetAndDestroy()],
    [
      'the body ends in the middle of an event',
      ({ upstream }) => upstream.seen[0]?.response.end('data: {"id":"c","cho'),
    ],
    ['the body ends without [DONE]', ({ upstream }) => upstream.seen[0]?.response.end()],
  ];
  it.each(broken)('ends in an error event and a cut connection when %s', async (_what, breakIt) => {
    front = await openFront();
    front.upstream.behave((seen) => {
      beginStream(seen);
      seen.response.write(tokenEvent('one'));
    });
    const request = openPost(front.port, helloStream);
    const answer = await collect(request);
    await answer.until(tokenEvent('one'));
    breakIt(front);
    await answer.until('engine_lost');
    const rest = answer.text();
    expect(rest).toContain('data: {"error":');
    expect(rest).not.toContain('[DONE]');
    expect(await answer.ended).toBe(false);
    expect((await front.record(0)).end).toBe('upstream_lost');
  });

  it("passes on the engine's own error event, withholds its [DONE] and counts a failure", async () => {
    front = await openFront();
    front.upstream.behave((seen) => {
      beginStream(seen);
      seen.response.write(tokenEvent('one'));
    });
    const answer = await collect(openPost(front.port, helloStream));
    await answer.until(tokenEvent('one'));
    front.upstream.seen[0]?.response.end(`data: ${deadError}\n\n${doneEvent}`);
    expect(await answer.ended).toBe(false);
    expect(answer.text()).toContain('EngineCore encountered an issue');
    expect(answer.text()).not.toContain('[DONE]');
    expect(await front.record(0)).toMatchObject({ end: 'upstream_lost', readmits: 0 });
  });
});
