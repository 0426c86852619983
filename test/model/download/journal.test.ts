import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { journalHead, journalLine, parseJournal } from '../../../src/model/download/journal.ts';

const key = { etag: 'a'.repeat(64), sizeBytes: 1_000_000 };
const record = fc.record({
  start: fc.nat(900_000),
  length: fc.integer({ min: 1, max: 100_000 }),
  dataCrc: fc.nat(0xffffffff),
});

describe('the journal', () => {
  it('reads back what was written', () => {
    fc.assert(
      fc.property(fc.array(record), (records) => {
        const text = journalHead(key) + records.map(journalLine).join('');
        expect(parseJournal(text, key)).toEqual({ records, validBytes: text.length });
      }),
    );
  });

  it('torn at any byte keeps every whole line and nothing else', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1 }), fc.nat(), (records, cut) => {
        const lines = records.map(journalLine);
        const text = journalHead(key) + lines.join('');
        const torn = text.slice(0, journalHead(key).length + (cut % lines.join('').length));
        const parsed = parseJournal(torn, key);
        expect(parsed?.records).toEqual(records.slice(0, parsed?.records.length));
        expect(journalHead(key) + lines.slice(0, parsed?.records.length).join('')).toBe(
          torn.slice(0, parsed?.validBytes),
        );
        const next = lines[parsed?.records.length ?? 0] ?? '';
        expect(torn.length - (parsed?.validBytes ?? 0)).toBeLessThan(next.length);
      }),
    );
  });

  it('never vouches for bytes after a changed character', () => {
    fc.assert(
      fc.property(
        fc.array(record, { minLength: 1 }),
        fc.nat(),
        fc.integer({ min: 1, max: 127 }),
        (records, at, flip) => {
          const head = journalHead(key);
          const text = head + records.map(journalLine).join('');
          const position = head.length + (at % (text.length - head.length));
          const wrong = String.fromCodePoint((text.codePointAt(position) ?? 0) ^ flip);
          const damaged = text.slice(0, position) + wrong + text.slice(position + 1);
          const parsed = parseJournal(damaged, key);
          const before = parseJournal(text.slice(0, position), key);
          expect(parsed?.records).toEqual(before?.records);
        },
      ),
    );
  });

  it.each([
    ['another etag', { ...key, etag: 'b'.repeat(64) }],
    ['another size', { ...key, sizeBytes: 999 }],
  ])('of %s is worth nothing', (_, other) => {
    expect(
      parseJournal(journalHead(key) + journalLine({ start: 0, length: 5, dataCrc: 1 }), other),
    ).toBeNull();
  });

  it('of another format version is worth nothing', () => {
    expect(parseJournal(journalHead(key).replace('journal 1', 'journal 2'), key)).toBeNull();
  });

  it('does not believe a stretch beyond the end of the file', () => {
    const text = journalHead(key) + journalLine({ start: 999_999, length: 2, dataCrc: 0 });
    expect(parseJournal(text, key)?.records).toEqual([]);
  });

  it('stays under 10 MB for 23 shards of 4.6 GB in units of 8 MiB', () => {
    const line = journalLine({ start: 4_599_999_999, length: 8 << 20, dataCrc: 0xffffffff }).length;
    expect(23 * Math.ceil(4.6e9 / (8 << 20)) * line).toBeLessThan(10e6);
  });
});
