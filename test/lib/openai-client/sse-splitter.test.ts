import { createParser } from 'eventsource-parser';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSseSplitter } from '../../../src/lib/openai-client/index.ts';

function splitWhole(text: string): string[] {
  const splitter = createSseSplitter();
  return [...splitter.push(Buffer.from(text)), ...splitter.end()];
}

function splitSliced(bytes: Buffer, cuts: readonly number[]): string[] {
  const splitter = createSseSplitter();
  const events: string[] = [];
  let from = 0;
  for (const cut of [
    ...cuts.map((each) => each % (bytes.length + 1)).toSorted((a, b) => a - b),
    bytes.length,
  ]) {
    events.push(...splitter.push(bytes.subarray(from, cut)));
    from = cut;
  }
  return [...events, ...splitter.end()];
}

describe('createSseSplitter', () => {
  it.each([
    ['LF', 'data: a\n\ndata: b\n\n', ['a', 'b']],
    ['CRLF', 'data: a\r\n\r\ndata: b\r\n\r\n', ['a', 'b']],
    ['CR alone', 'data: a\r\rdata: b\r\r', ['a', 'b']],
    ['no space after the colon', 'data:a\n\n', ['a']],
    ['only one space is taken away', 'data:  a\n\n', [' a']],
    ['comments between and inside events', ': ping\n\ndata: a\n: ping\n\n', ['a']],
    ['several data lines', 'data: a\ndata: b\n\n', ['a\nb']],
    ['other fields', 'event: x\nid: 7\nretry: 1\ndata: a\n\n', ['a']],
    ['a field that only begins like data', 'database: x\n\n', []],
    ['an empty data field', 'data\n\n', ['']],
    ['a byte order mark', '\uFEFFdata: a\n\n', ['a']],
    ['a last event without a blank line', 'data: a\n\ndata: [DONE]', ['a', '[DONE]']],
    ['a last event after CRLF without a blank line', 'data: a\r\n', ['a']],
    ['nothing', '', []],
  ])('splits with %s', (_name, text, events) => {
    expect(splitWhole(text)).toEqual(events);
  });

  it('gives the same events for every slicing of the bytes, characters and CRLF cut in two', () => {
    const line = fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => text.replaceAll(/[\r\n]/g, ''));
    const part = fc.oneof(
      line.map((text) => `data: ${text}`),
      line.map((text) => `: ${text}`),
      fc.constant('data: {"content":"日本 🎉 é"}'),
      fc.constant(''),
    );
    const body = fc.array(fc.tuple(part, fc.constantFrom('\n', '\r\n', '\r', '\n\n', '\r\n\r\n')), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(body, fc.array(fc.nat(), { maxLength: 60 }), (parts, cuts) => {
        const text = parts.map(([content, end]) => content + end).join('');
        expect(splitSliced(Buffer.from(text), cuts)).toEqual(splitWhole(text));
      }),
    );
  });

  it('agrees with an independent parser on complete events', () => {
    const part = fc.constantFrom('data: a', 'data: b c', ': note', 'event: x', 'data:', 'data', 'id: 4', '');
    const body = fc.array(fc.tuple(part, fc.constantFrom('\n', '\r\n')), { maxLength: 25 });
    fc.assert(
      fc.property(body, (parts) => {
        const text = `${parts.map(([content, end]) => content + end).join('')}\n\n`;
        const expected: string[] = [];
        const parser = createParser({ onEvent: (event) => expected.push(event.data) });
        parser.feed(text);
        expect(splitWhole(text)).toEqual(expected);
      }),
    );
  });

  it('refuses an event that never ends instead of filling the memory', () => {
    const splitter = createSseSplitter();
    const piece = Buffer.alloc(9 * 1024 * 1024, 'x');
    splitter.push(piece);
    expect(() => splitter.push(piece)).toThrow(RangeError);
  });
});
