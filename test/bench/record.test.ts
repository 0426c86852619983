import { describe, expect, it } from 'vitest';
import { collectItl } from '../../src/bench/measure/itl.ts';
import { measureRequest } from '../../src/bench/measure/record.ts';
import { summariseWeighted } from '../../src/bench/statistics/distribution.ts';
import { chunkOf, measureStream, recordOf, streamOf } from './helpers.ts';

describe('measureRequest', () => {
  it('follows the definitions: role chunk, thinking, answer, usage chunk', () => {
    const record = measureStream([
      chunkOf({ at: 1050, read: 0, count: 0 }),
      chunkOf({ at: 1100, read: 1, reasoning: 'hm', count: 1 }),
      chunkOf({ at: 1110, read: 2, reasoning: 'so', count: 2 }),
      chunkOf({ at: 1120, read: 3, text: 'A', count: 3 }),
      chunkOf({ at: 1130, read: 4, text: 'B', count: 4, finish: 'stop' }),
      chunkOf({ at: 1135, read: 5, choices: 0, count: 4 }),
    ]);
    expect(record).toMatchObject({
      status: 'ok',
      ttfr: 50,
      ttft: 100,
      ttfo: 120,
      tpot: 10,
      e2e: 130,
      e2eDone: 137,
      ttftVllm: 50,
      tpotVllm: 80 / 3,
      tokenSource: 'continuous_usage',
      outputTokens: 4,
      finishReason: 'stop',
      endedAt: 1138,
    });
  });

  it('does not divide by tokens that came bundled with the first (speculative decoding, coalescing)', () => {
    const record = measureStream([
      chunkOf({ at: 1100, read: 0, text: 'abc', count: 3 }),
      chunkOf({ at: 1130, read: 1, text: 'def', count: 6, finish: 'length' }),
    ]);
    expect(record.tpot).toBe(10);
  });

  it('takes chunks of one read as one group, whose gap counts once for each of its tokens', () => {
    const record = measureStream([
      chunkOf({ at: 1100, read: 0, text: 'a', count: 1 }),
      chunkOf({ at: 1120, read: 1, text: 'b', count: 2 }),
      chunkOf({ at: 1120, read: 1, text: 'c', count: 3 }),
      chunkOf({ at: 1130, read: 2, text: 'd', count: 4, finish: 'length' }),
    ]);
    expect(record.groups.map((group) => group.tokens)).toEqual([1, 2, 1]);
    expect(collectItl([record])).toEqual([
      { value: 10, weight: 2 },
      { value: 10, weight: 1 },
    ]);
    expect(record.eventsInSharedReads).toBe(1);
  });

  it('spreads the total over the chunks when the server does not count in each, and says so', () => {
    const record = measureStream([
      chunkOf({ at: 1100, read: 0, text: 'a' }),
      chunkOf({ at: 1140, read: 1, text: 'b', finish: 'length' }),
      chunkOf({ at: 1141, read: 2, choices: 0, count: 8 }),
    ]);
    expect(record).toMatchObject({ tokenSource: 'chunk', outputTokens: 8, tpot: 10 });
    expect(summariseWeighted(collectItl([record]))).toMatchObject({ p50: 10, n: 4 });
  });

  it('counts chunks when there is no usage at all', () => {
    const chunks = [
      chunkOf({ at: 1100, read: 0, text: 'a' }),
      chunkOf({ at: 1110, read: 1, text: 'b', finish: 'stop' }),
    ];
    expect(measureStream(chunks)).toMatchObject({
      tokenSource: 'chunk',
      outputTokens: 2,
      promptTokens: null,
    });
  });

  it('has no time to the answer when the budget ended inside the thinking: null, not 0', () => {
    const record = measureStream([
      chunkOf({ at: 1100, read: 0, reasoning: 'a', count: 1 }),
      chunkOf({ at: 1110, read: 1, reasoning: 'b', count: 2, finish: 'length' }),
    ]);
    expect(record).toMatchObject({ ttft: 100, ttfo: null });
  });

  it('counts a token without text, which a parser swallowed, from its running count', () => {
    const record = measureStream([
      chunkOf({ at: 1100, read: 0, text: 'a', count: 1 }),
      chunkOf({ at: 1130, read: 1, count: 4 }),
      chunkOf({ at: 1140, read: 2, text: 'b', count: 5, finish: 'stop' }),
    ]);
    expect(record).toMatchObject({ tpot: 10, e2e: 140 });
  });

  it('has no TPOT for a single token', () => {
    expect(
      measureStream([chunkOf({ at: 1100, read: 0, text: 'a', count: 1, finish: 'length' })]).tpot,
    ).toBeNull();
  });

  it.each([
    ['truncated', [chunkOf({ at: 1100, read: 0, text: 'a', count: 1 })], 'truncated'],
    ['empty', [chunkOf({ at: 1100, read: 0, count: 0, finish: 'stop' })], 'empty'],
  ])('takes a 200 that is %s for a failure', (_name, chunks, kind) => {
    const record = measureStream(chunks);
    expect(record).toMatchObject({ status: 'error', error: { kind, status: 200 }, tpot: null, e2e: null });
  });

  it('takes an error inside a 200 stream for a failure', () => {
    const events = streamOf([chunkOf({ at: 1100, read: 0, text: 'a', count: 1 })]);
    events.splice(2, 0, { kind: 'fault', readAt: 1101, read: 1, message: 'dead', type: null, code: null });
    const record = measureRequest({ index: 0, events, error: null, isCut: false, finishedAt: 0 });
    expect(record.error).toMatchObject({ kind: 'in-stream', message: 'dead', requestId: 'r' });
  });

  it('keeps what a cut request had said, without calling it failed', () => {
    const events = streamOf([chunkOf({ at: 1100, read: 0, text: 'a', count: 1 })]).slice(0, 2);
    const record = measureRequest({ index: 3, events, error: null, isCut: true, finishedAt: 1200 });
    expect(record).toMatchObject({
      status: 'cut',
      error: null,
      endedAt: 1200,
      groups: [{ at: 1100, tokens: 1 }],
    });
  });
});

describe('collectItl', () => {
  it('leaves failed requests out and joins the gap over a group without tokens', () => {
    const groups = [
      { at: 0, tokens: 1 },
      { at: 10, tokens: 0 },
      { at: 20, tokens: 2 },
    ];
    expect(collectItl([recordOf({ groups }), recordOf({ groups, status: 'error' })])).toEqual([
      { value: 10, weight: 2 },
    ]);
  });
});
