import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runClosedLoop } from '../../src/bench/load/closed-loop.ts';
import { fieldsToDrop, makeBody, type OptionalField, optionalFields } from '../../src/bench/workload/body.ts';
import { createPromptSizer } from '../../src/bench/workload/prompt-sizer.ts';
import { makePrompt } from '../../src/bench/workload/prompt.ts';
import { countRequests, resolveScenario } from '../../src/bench/workload/scenarios.ts';
import { recordOf } from './helpers.ts';

const base = { baseUrl: 'http://x', apiKey: null, model: 'm', seed: 1, maxSeconds: 0 } as const;

describe('makePrompt', () => {
  const parts = { seed: 1, index: 4, nonce: 'ab', chars: 500 };

  it('is the same for the same seed, index and nonce', () => {
    expect(makePrompt(parts)).toBe(makePrompt(parts));
    expect(makePrompt({ ...parts, seed: 2 })).not.toBe(makePrompt(parts));
  });

  it('begins differently for every request and every run, so that no prefix is in a cache', () => {
    const heads = new Set<string>();
    for (let index = 0; index < 200; index += 1) heads.add(makePrompt({ ...parts, index }).slice(0, 8));
    expect(heads.size).toBe(200);
    expect(makePrompt({ ...parts, nonce: 'cd' }).startsWith('cd-4.')).toBe(true);
  });

  it('is about as long as asked', () => {
    fc.assert(
      fc.property(fc.integer({ min: 48, max: 5000 }), (chars) => {
        const { length } = makePrompt({ ...parts, chars });
        expect(length).toBeGreaterThanOrEqual(chars);
        expect(length).toBeLessThan(chars + 16);
      }),
    );
  });
});

describe('createPromptSizer', () => {
  it('finds the length for any tokenizer from two observations', () => {
    const overhead = fc.integer({ min: 0, max: 60 });
    const charsPerToken = fc.double({ min: 0.8, max: 8, noNaN: true });
    fc.assert(
      fc.property(overhead, charsPerToken, fc.integer({ min: 120, max: 8000 }), (extra, ratio, wanted) => {
        const sizer = createPromptSizer(wanted);
        const countTokens = (chars: number): number => Math.round(extra + chars / ratio);
        sizer.observe(64, countTokens(64));
        sizer.observe(256, countTokens(256));
        sizer.observe(sizer.chars(), countTokens(sizer.chars()));
        expect(Math.abs(countTokens(sizer.chars()) - wanted)).toBeLessThanOrEqual(2);
      }),
    );
  });

  it('guesses before it knows anything, and never asks for less than a unique beginning', () => {
    expect(createPromptSizer(100).chars()).toBe(400);
    expect(createPromptSizer(1).chars()).toBe(48);
  });
});

describe('makeBody', () => {
  const parts = { model: 'm', prompt: 'p', outputTokens: 9, seed: 3, salt: 's', extraBody: {} };

  it('fixes the length and asks for counts in every chunk', () => {
    expect(makeBody({ ...parts, fields: new Set(optionalFields) })).toEqual({
      model: 'm',
      messages: [{ role: 'user', content: 'p' }],
      stream: true,
      stream_options: { include_usage: true, continuous_usage_stats: true },
      max_tokens: 9,
      min_tokens: 9,
      ignore_eos: true,
      temperature: 0,
      cache_salt: 's',
      seed: 3,
    });
  });

  it('is a plain OpenAI request without the optional fields', () => {
    const body = makeBody({ ...parts, fields: new Set() });
    expect(Object.keys(body).toSorted()).toEqual([
      'max_tokens',
      'messages',
      'model',
      'stream',
      'stream_options',
      'temperature',
    ]);
  });
});

describe('fieldsToDrop', () => {
  const all: ReadonlySet<OptionalField> = new Set(optionalFields);

  it.each([
    ['the named one', 'Unrecognized field: min_tokens', ['min_tokens']],
    ['both named ones', 'cache_salt and ignore_eos are not allowed', ['cache_salt', 'ignore_eos']],
    [
      'a nested one by its last name',
      'continuous_usage_stats: extra',
      ['stream_options.continuous_usage_stats'],
    ],
    ['the most dispensable one when none is named', 'bad request', ['cache_salt']],
  ])('drops %s', (_name, message, expected) => {
    expect(fieldsToDrop(message, all)).toEqual(expected);
  });

  it('ends: whatever the messages, after so many refusals nothing is left', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: optionalFields.length, maxLength: 20 }), (messages) => {
        const left = new Set<OptionalField>(optionalFields);
        for (const message of messages) for (const field of fieldsToDrop(message, left)) left.delete(field);
        expect(left.size).toBe(0);
        expect(fieldsToDrop('again', left)).toEqual([]);
      }),
    );
  });
});

describe('resolveScenario', () => {
  it('takes the scenario and the changes to it', () => {
    const scenario = resolveScenario({ ...base, scenario: 'decode', outputTokens: 32 });
    expect(scenario).toMatchObject({ concurrency: [1], outputTokens: 32, inputTokens: 128 });
    expect(countRequests(scenario, 64)).toBe(64);
  });

  it.each([
    ['concurrency', { concurrency: [1, 0] }],
    ['outputTokens', { outputTokens: 1.5 }],
    ['requestsPerLevel', { requestsPerLevel: -1 }],
  ])('refuses a senseless %s by name', (name, changes) => {
    expect(() => resolveScenario({ ...base, scenario: 'quick', ...changes })).toThrow(name);
  });
});

describe('runClosedLoop', () => {
  it('keeps exactly as many in flight as asked and sends each index once', async () => {
    let inFlight = 0;
    let most = 0;
    const sent: number[] = [];
    const records = await runClosedLoop({
      concurrency: 3,
      requests: 11,
      signal: new AbortController().signal,
      send: async (index) => {
        sent.push(index);
        inFlight += 1;
        most = Math.max(most, inFlight);
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
        inFlight -= 1;
        return recordOf({ index });
      },
      onRecord: () => {},
    });
    expect(most).toBe(3);
    expect(sent.toSorted((a, b) => a - b)).toEqual(records.map((record) => record.index));
    expect(records).toHaveLength(11);
  });

  it('sends no more after the signal', async () => {
    const stop = new AbortController();
    const records = await runClosedLoop({
      concurrency: 1,
      requests: 100,
      signal: stop.signal,
      send: (index) => Promise.resolve(recordOf({ index })),
      onRecord: (_record, finished) => {
        if (finished === 4) stop.abort();
      },
    });
    expect(records).toHaveLength(4);
  });
});
