import { afterEach, describe, expect, it } from 'vitest';
import { createView, readyAt, starting } from '../fixtures/upstream/engine-view.ts';
import {
  codeOf,
  type Front,
  get,
  hello,
  helloStream,
  openFront,
  openPost,
  post,
  readReply,
  collect,
  type Reply,
} from '../fixtures/upstream/front.ts';
import { answerWell, completion, deadError, doneEvent, sendJson } from '../fixtures/upstream/upstream.ts';

let front: Front;
afterEach(() => front.close());

const turn = () => new Promise((resolve) => setImmediate(resolve));
async function untilQueued(count: number): Promise<void> {
  while (front.proxy.stats().queued !== count) await turn();
}
const diagnosis = {
  signature: 'unknown-flag',
  cause: 'secret path /x',
  evidence: ['line'],
  advice: 'a',
  deterministic: true,
};

describe('while the engine starts', () => {
  it('requests wait and are answered once it is ready', async () => {
    front = await openFront({ view: createView(starting()) });
    const replies = [post(front.port, hello), post(front.port, helloStream)];
    await untilQueued(2);
    expect(front.upstream.connections()).toBe(0);
    front.view.set(readyAt(front.upstream.endpoint));
    expect((await Promise.all(replies)).map((reply) => reply.status)).toEqual([200, 200]);
    expect((await front.record(0)).queueMs).toBeGreaterThan(0);
  });

  it.each(['stopped', 'starting', 'backing-off', 'draining', 'stopping'] as const)(
    'nothing is forwarded in state %s',
    async (state) => {
      front = await openFront({ view: createView({ state }) });
      const reply = post(front.port, hello);
      await untilQueued(1);
      expect(front.upstream.connections()).toBe(0);
      front.view.set(readyAt(front.upstream.endpoint));
      expect((await reply).status).toBe(200);
    },
  );

  it('health tells the phase and when to come back', async () => {
    front = await openFront({ view: createView(starting(1, 42_000)) });
    const reply = await get(front.port, '/health/ready');
    expect([reply.status, reply.headers['retry-after']]).toEqual([503, '42']);
    expect(JSON.parse(reply.text)).toMatchObject({
      status: 'starting',
      phase: 'weights',
      ready_in_ms: 42_000,
    });
    expect((await get(front.port, '/health/live')).status).toBe(200);
  });

  it('refuses at once what would wait longer than it may', async () => {
    front = await openFront({ view: createView(starting(1, 60_000)), policy: { queueTimeoutMs: 30_000 } });
    const reply = await post(front.port, hello);
    expect([reply.status, codeOf(reply), reply.headers['retry-after']]).toEqual([
      503,
      'engine_starting',
      '60',
    ]);
  });

  it('refuses what has waited as long as it may', async () => {
    front = await openFront({ view: createView(starting()), policy: { queueTimeoutMs: 30 } });
    expect(codeOf(await post(front.port, hello))).toBe('engine_starting');
    expect(await front.record(0)).toMatchObject({ end: 'shed', shed: 'deadline' });
  });

  it('refuses what is above the bound of the queue', async () => {
    front = await openFront({ view: createView(starting()), policy: { maxQueue: 2 } });
    const waiting = [post(front.port, hello), post(front.port, hello)];
    await untilQueued(2);
    const reply = await post(front.port, hello);
    expect([reply.status, codeOf(reply)]).toEqual([503, 'queue_full']);
    expect(reply.headers['retry-after']).toBeDefined();
    front.view.set(readyAt(front.upstream.endpoint));
    expect((await Promise.all(waiting)).map((each) => each.status)).toEqual([200, 200]);
  });

  it('refuses bodies above the bound of memory', async () => {
    front = await openFront({ view: createView(starting()), policy: { maxHeldBytes: 150 } });
    const first = post(front.port, hello);
    await untilQueued(1);
    const second = { ...hello, user: 'x'.repeat(100) };
    expect(codeOf(await post(front.port, second))).toBe('overloaded');
    front.view.set(readyAt(front.upstream.endpoint));
    expect((await first).status).toBe(200);
  });

  it('junk takes no place: it is refused before it may wait', async () => {
    front = await openFront({ view: createView(starting()) });
    expect((await post(front.port, { ...hello, temprature: 1 })).status).toBe(400);
    expect(front.proxy.stats().queued).toBe(0);
  });
});

describe('a stream that waits long', () => {
  const timers = { commitAfterMs: 20, heartbeatMs: 20 };

  it('is answered 200 with comments, then with the stream', async () => {
    front = await openFront({ view: createView(starting()), timers });
    const request = openPost(front.port, helloStream);
    const answer = await collect(request);
    expect(answer.response.statusCode).toBe(200);
    await answer.until(': waiting for the engine\n\n: waiting for the engine\n\n');
    front.view.set(readyAt(front.upstream.endpoint));
    await answer.until(doneEvent);
    expect(await answer.ended).toBe(true);
  });

  it('is told of a failure inside the stream', async () => {
    front = await openFront({ view: createView(starting()), timers });
    const reply = openPost(front.port, helloStream);
    const answer = await collect(reply);
    front.view.set({ state: 'given-up', diagnosis });
    await answer.until('engine_unavailable');
    expect(answer.text()).toContain('data: {"error":');
    expect(await answer.ended).toBe(false);
  });

  it('gets no early 200 with the switch off', async () => {
    front = await openFront({
      view: createView(starting()),
      timers,
      policy: { isCommittingEarly: false, queueTimeoutMs: 100 },
    });
    expect((await post(front.port, helloStream)).status).toBe(503);
  });

  it('gets an error of the engine as an event when 200 is out already', async () => {
    front = await openFront({ timers });
    front.upstream.behave(() => {});
    const request = openPost(front.port, helloStream);
    const answer = await collect(request);
    sendJson(await front.upstream.request(0), 400, '{"error":{"message":"too long","code":400}}');
    await answer.until('data: {"error":{"message":"too long","code":400}}\n\n');
  }, 5_000);
});

describe('an engine that was given up', () => {
  it('flushes the queue with the diagnosis and refuses newcomers, and says so on /health/ready', async () => {
    front = await openFront({ view: createView(starting()) });
    const waiting = post(front.port, hello);
    await untilQueued(1);
    front.view.set({ state: 'given-up', diagnosis });
    for (const reply of [await waiting, await post(front.port, hello)]) {
      expect([reply.status, codeOf(reply)]).toEqual([503, 'engine_unavailable']);
      expect(reply.text).toContain('unknown-flag');
      expect(reply.text).not.toContain('secret path');
    }
    expect(JSON.parse((await get(front.port, '/health/ready')).text)).toMatchObject({
      status: 'given-up',
      diagnosis: 'unknown-flag',
    });
    front.view.set(readyAt(front.upstream.endpoint, 2));
    expect((await post(front.port, hello)).status).toBe(200);
  });
});

describe('a busy engine', () => {
  it('gets no more than the maximum at once; above queue and maximum 429', async () => {
    front = await openFront({ policy: { maxInFlight: 2, maxQueue: 1 } });
    front.upstream.behave(() => {});
    const replies = [post(front.port, hello), post(front.port, hello)];
    await front.upstream.request(1);
    replies.push(post(front.port, hello));
    await untilQueued(1);
    const refused = await post(front.port, hello);
    expect([refused.status, codeOf(refused), refused.headers['retry-after']]).toEqual([
      429,
      'queue_full',
      '2',
    ]);
    expect(front.upstream.seen.length).toBe(2);
    front.upstream.behave(answerWell);
    for (const seen of front.upstream.seen) answerWell(seen);
    expect((await Promise.all(replies)).map((reply) => reply.status)).toEqual([200, 200, 200]);
  });

  it('gets one request first after it died, then the rest', async () => {
    front = await openFront({ timers: { rampStepMs: 60_000, deadHoldMs: 1 } });
    front.upstream.behave((seen) => sendJson(seen, 500, deadError));
    const replies: Promise<Reply>[] = [post(front.port, hello)];
    await front.upstream.request(0);
    front.view.set(starting(2));
    replies.push(post(front.port, hello), post(front.port, hello), post(front.port, hello));
    await untilQueued(4);
    front.upstream.behave(() => {});
    front.view.set(readyAt(front.upstream.endpoint, 2));
    const canary = await front.upstream.request(1);
    expect(front.proxy.stats()).toMatchObject({ inFlight: 1, queued: 3 });
    front.upstream.behave(answerWell);
    sendJson(canary, 200, completion);
    expect((await Promise.all(replies)).map((reply) => reply.status)).toEqual([200, 200, 200, 200]);
  });
});

describe('drain', () => {
  it('lets open requests finish, refuses newcomers, closes connections', async () => {
    front = await openFront();
    front.upstream.behave(() => {});
    const open = readReply(openPost(front.port, hello));
    const seen = await front.upstream.request(0);
    const drained = front.proxy.drain(10_000);
    const refused = await post(front.port, hello);
    expect([refused.status, codeOf(refused)]).toEqual([503, 'draining']);
    expect((await get(front.port, '/health/ready')).status).toBe(503);
    answerWell(seen);
    expect(await open).toMatchObject({ status: 200, headers: { connection: 'close' } });
    expect((await drained).cut).toBe(0);
  });

  it('cuts what is left at the deadline with an error event, and says how many', async () => {
    front = await openFront();
    front.upstream.behave((seen) => {
      seen.response.writeHead(200, { 'content-type': 'text/event-stream' });
      seen.response.write('data: {"id":"c"}\n\n');
    });
    const request = openPost(front.port, helloStream);
    const answer = await collect(request);
    await answer.until('{"id":"c"}');
    const hurry = new AbortController();
    const drained = front.proxy.drain(60_000, hurry.signal);
    hurry.abort();
    expect((await drained).cut).toBe(1);
    await answer.until('draining');
    expect(answer.text()).toContain('data: {"error":');
    await (
      await front.upstream.request(0)
    ).closed;
    expect((await front.record(0)).end).toBe('drained');
  });

  it('flushes those that wait for an engine that is not there', async () => {
    front = await openFront({ view: createView(starting()) });
    const waiting = post(front.port, hello);
    await untilQueued(1);
    expect((await front.proxy.drain(10_000)).cut).toBe(0);
    expect(codeOf(await waiting)).toBe('draining');
  });
});
