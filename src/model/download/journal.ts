import { crc32 } from 'node:zlib';

/**
 * The journal beside a partial file: one line a stretch that is durable on disk, each line with its own checksum.
 *
 *     stepctl-journal 1 <etag> <size> <crc>
 *     r <start> <length> <crc32 of the data> <crc>
 *
 * Only appended to; a line that is torn, foreign or damaged is worth nothing and costs only a refetch.
 */
export interface JournalRecord {
  readonly start: number;
  readonly length: number;
  /** crc32 of the bytes as they came: tells later whether the disk or the hub lied. */
  readonly dataCrc: number;
}

export interface Journal {
  readonly records: readonly JournalRecord[];
  /** Length of the valid text: what follows is torn and must be cut before appending. */
  readonly validBytes: number;
}

export interface JournalKey {
  readonly etag: string;
  readonly sizeBytes: number;
}

const hex = (value: number): string => value.toString(16).padStart(8, '0');
const seal = (text: string): string => `${text} ${hex(crc32(text))}\n`;

export const journalHead = (key: JournalKey): string =>
  seal(`stepctl-journal 1 ${key.etag} ${key.sizeBytes}`);

export const journalLine = (record: JournalRecord): string =>
  seal(`r ${record.start} ${record.length} ${hex(record.dataCrc)}`);

/** The text of a line when its checksum holds; null otherwise. */
function unseal(line: string): string | null {
  const cut = line.lastIndexOf(' ');
  const text = line.slice(0, Math.max(0, cut));
  return cut > 0 && line.slice(cut + 1) === hex(crc32(text)) ? text : null;
}

function readRecord(text: string, sizeBytes: number): JournalRecord | null {
  const match = /^r (\d{1,15}) (\d{1,15}) ([0-9a-f]{8})$/.exec(text);
  if (match === null) return null;
  const start = Number(match[1]);
  const length = Number(match[2]);
  if (length === 0 || start + length > sizeBytes) return null;
  return { start, length, dataCrc: Number.parseInt(match[3] ?? '', 16) };
}

/**
 * Reads a journal; null when it is not one for this etag and size (another version of the file or of the format):
 * then the partial beside it is worth nothing. Reading ends at the first line that is torn or damaged.
 */
export function parseJournal(text: string, key: JournalKey): Journal | null {
  const head = journalHead(key);
  if (!text.startsWith(head)) return null;
  const records: JournalRecord[] = [];
  let position = head.length;
  for (;;) {
    const end = text.indexOf('\n', position);
    if (end === -1) break;
    const sealed = unseal(text.slice(position, end));
    const record = sealed === null ? null : readRecord(sealed, key.sizeBytes);
    if (record === null) break;
    records.push(record);
    position = end + 1;
  }
  return { records, validBytes: position };
}
