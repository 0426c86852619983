import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventFramer } from '../../src/proxy/forward/event-framer.ts';
import { inspectEvent, readUsage } from '../../src/proxy/forward/inspect-event.ts';
import { deadError, doneEvent, tokenEvent, usageEvent } from '../fixtures/upstream/upstream.ts';

const lineEnd = fc.constantFrom('\n', '\r\n');
const line = fc.string({ unit: 'grapheme' }).map((text) => `data: ${text.replaceAll(/[\r\n]/g, '')}`);
const event = fc
  .tuple(fc.array(line, { minLength: 1, maxLength: 3 }), lineEnd)
  .map(([lines, end]) => `${lines.join(end)}${end}${end}`);

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [...new Set(places.map((place) => place % (bytes.length + 1)))].toSorted((a, b) => a - b);
  return [0, ...sorted].map((from, at) => bytes.subarray(from, sorted[at] ?? bytes.length));
}

describe('EventFramer', () => {
  it('property: for any slicing it hands out exactly the events, and no byte is lost or changed', () => {
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 6 }),
        fc.array(fc.nat(), { maxLength: 12 }),
        fc.string(),
        (events, places, tail) => {
          const unfinished = tail.replaceAll(/[\r\n]/g, '');
          const framer = new EventFramer(1_000_000);
          const got = cut(Buffer.from(events.join('') + unfinished), places).flatMap((piece) =>
            framer.push(piece).map(String),
          );
          expect(got).toEqual(events);
          expect(framer.rest.toString()).toBe(unfinished);
          expect(framer.isWhole).toBe(true);
        },
      ),
    );
  });

  it('holds no more than its bound, and knows that it is in the middle of an event then', () => {
    const framer = new EventFramer(100);
    const out = Buffer.concat(framer.push(Buffer.from(`data: ${'x'.repeat(500)}`)));
    expect(out.length).toBe(506);
    expect(framer.isWhole).toBe(false);
    expect(framer.push(Buffer.from('y\n\ndata: next\n\n')).map(String)).toEqual(['y\n\n', 'data: next\n\n']);
    expect(framer.isWhole).toBe(true);
  });
});

describe('inspectEvent', () => {
  const rows: readonly (readonly [string, string])[] = [
    [tokenEvent('a'), 'data'],
    [tokenEvent('"usage": "choices":[] {"error": [DONE]'), 'data'],
    [usageEvent, 'usage'],
    [doneEvent, 'done'],
    ['data:[DONE]\r\n\r\n', 'done'],
    [`data: ${deadError}\n\n`, 'error'],
    ['data: {"error":{"message":"x"}}\n\n', 'error'],
    ['data: {"object":"error","message":"x"}\n\n', 'error'],
    [': comment\n\n', 'data'],
    ['data: {"id":"c","choices":[{"index":0,"delta":{}}],"usage":{"prompt_tokens":1}}\n\n', 'data'],
  ];
  it.each(rows)('reads %j as %s', (text, kind) => {
    expect(inspectEvent(Buffer.from(text))).toBe(kind);
  });
});

describe('readUsage', () => {
  it('reads the counts of a usage chunk, spaced or not', () => {
    expect(readUsage(usageEvent)).toEqual({ promptTokens: 7, completionTokens: 5 });
    expect(readUsage('{"usage": null}')).toBeNull();
    expect(readUsage('{"usage":{"prompt_tokens": 3, "completion_tokens": 4}}')).toEqual({
      promptTokens: 3,
      completionTokens: 4,
    });
  });

  it('is not taken in by text inside an answer', () => {
    const text = JSON.stringify({
      choices: [{ message: { content: '"usage":{"prompt_tokens":99}' } }],
      usage: { prompt_tokens: 1, completion_tokens: 2 },
    });
    expect(readUsage(text)).toEqual({ promptTokens: 1, completionTokens: 2 });
    expect(readUsage(JSON.stringify({ content: '"usage":{"prompt_tokens":99}' }))).toBeNull();
  });
});
