import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLineQueue } from '../../src/engine/logs/line-queue.ts';
import { createLineSplitter } from '../../src/engine/logs/line-splitter.ts';

function split(chunks: readonly Uint8Array[], maxLength?: number): string[] {
  const lines: string[] = [];
  const splitter = createLineSplitter((text) => lines.push(text), maxLength);
  for (const chunk of chunks) splitter.push(chunk);
  splitter.end();
  return lines;
}

describe('line splitter', () => {
  test('each state of a progress bar is a line of its own', () => {
    expect(split([Buffer.from('start\n\r 0%\r 50%\r100%\ndone')])).toEqual([
      'start',
      ' 0%',
      ' 50%',
      '100%',
      'done',
    ]);
  });
  test('a CRLF split between chunks makes no empty line', () => {
    expect(split([Buffer.from('a\r'), Buffer.from('\nb\r\n')])).toEqual(['a', 'b']);
  });
  test('an overlong line is cut and says by how much, and the next is whole', () => {
    expect(split([Buffer.from('abcdefgh\nxy\n')], 4)).toEqual(['abcd [cut: 4 more characters]', 'xy']);
  });
  test('lines do not depend on where the bytes are cut, also inside a character', () => {
    const text = fc.array(fc.constantFrom('a', 'é', '█', '\r', '\n', ' '), { maxLength: 60 });
    fc.assert(
      fc.property(text, fc.array(fc.nat(120)), (letters, cuts) => {
        const bytes = Buffer.from(letters.join(''));
        const places = [...new Set([0, ...cuts.filter((cut) => cut < bytes.length), bytes.length])].toSorted(
          (a, b) => a - b,
        );
        const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
        expect(split(chunks)).toEqual(split([bytes]));
      }),
    );
  });
});

const line = (text: string) => ({ at: 1, stream: 'stdout', text }) as const;

describe('line queue', () => {
  test('a reader that lags loses the oldest lines and is told how many', async () => {
    const queue = createLineQueue(2);
    for (const text of ['a', 'b', 'c', 'd']) queue.push(line(text));
    queue.end();
    const seen: string[] = [];
    for await (const { text } of queue) seen.push(text);
    expect(seen).toEqual(['[stepctl: 2 log lines dropped, their reader was too slow]', 'c', 'd']);
  });
  test('a reader that waits gets lines as they come, and ends after the last', async () => {
    const queue = createLineQueue();
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { text } of queue) seen.push(text);
    })();
    queue.push(line('a'));
    await Promise.resolve();
    queue.push(line('b'));
    queue.end();
    await reading;
    expect(seen).toEqual(['a', 'b']);
  });
});
