import {
  type FileHandle,
  mkdir,
  open,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { namedDiskError } from './disk-error.ts';
import { type JournalKey, type JournalRecord, journalHead, journalLine, parseJournal } from './journal.ts';
import type { Mutex } from './mutex.ts';
import { addRange, noRanges, type RangeSet } from './ranges.ts';

/** A file on its way: one sparse target and the journal that says which of its bytes count. */
export interface PartialFile {
  readonly path: string;
  records(): readonly JournalRecord[];
  /** Writes at a position; resolves when the kernel has the bytes (not yet durable). */
  write(data: Buffer, position: number): Promise<void>;
  /** Makes a written stretch durable, then journals it. Calls that come close together share one fdatasync. */
  commit(record: JournalRecord): Promise<void>;
  /** Strikes records out (their bytes proved wrong); an empty list of survivors starts the file over. */
  keepOnly(records: readonly JournalRecord[]): Promise<void>;
  /** Makes it the blob `target` and keeps the journal among stepctl's own files: what later rots can be located. */
  place(target: string): Promise<void>;
  close(): Promise<void>;
  /** Removes both files: every byte in them is suspect. */
  discard(): Promise<void>;
}

export const partialPath = (blobs: string, etag: string): string => join(blobs, `${etag}.stepctl-part`);
const journalPath = (blobs: string, etag: string): string => join(blobs, `${etag}.stepctl-journal`);
/** The journal of a placed blob: the crc32 of each of its stretches as they came. */
const keptPath = (blobs: string, etag: string): string =>
  join(dirname(blobs), '.stepctl', 'parts', `${etag}.journal`);

export const coveredBy = (records: readonly JournalRecord[]): RangeSet =>
  records.reduce<RangeSet>(
    (set, { start, length }) => addRange(set, { start, end: start + length }),
    noRanges,
  );

const readText = async (path: string): Promise<string | null> => {
  try {
    return await readFile(path, 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
};

/** What a partial beside the blobs is worth: the journalled records; none when file and journal do not belong together. */
export async function readPartial(
  blobs: string,
  key: JournalKey,
): Promise<{ records: readonly JournalRecord[]; validBytes: number }> {
  const text = await readText(journalPath(blobs, key.etag));
  const journal = text === null ? null : parseJournal(text, key);
  const size = await stat(partialPath(blobs, key.etag)).then(
    (s) => s.size,
    () => -1,
  );
  // A target of another length was not made by this journal.
  return journal === null || size !== key.sizeBytes ? { records: [], validBytes: 0 } : journal;
}

/** The stretches that a placed blob came in; none when it was not fetched by stepctl. */
export async function readKept(blobs: string, key: JournalKey): Promise<readonly JournalRecord[]> {
  const text = await readText(keptPath(blobs, key.etag));
  return (text === null ? null : parseJournal(text, key))?.records ?? [];
}

async function keepJournal(blobs: string, etag: string): Promise<void> {
  await mkdir(dirname(keptPath(blobs, etag)), { recursive: true }).catch(() => {});
  // It only spares a refetch: without room for it the blob is as good.
  await rename(journalPath(blobs, etag), keptPath(blobs, etag)).catch(() =>
    rm(journalPath(blobs, etag), { force: true }),
  );
}

/**
 * Makes a blob that went bad a partial again, of which `records` are still right; the next fetch takes the rest only.
 * The blob's name is free afterwards. Never over a partial that is there already.
 */
export async function demoteBlob(
  blobs: string,
  key: JournalKey,
  records: readonly JournalRecord[],
): Promise<void> {
  const blob = join(blobs, key.etag);
  await truncate(blob, key.sizeBytes);
  await writeFile(journalPath(blobs, key.etag), journalHead(key) + records.map(journalLine).join(''));
  await rename(blob, partialPath(blobs, key.etag));
  await syncFolder(blobs);
}

/** Syncs a folder, so that a rename in it outlives a power cut. */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A write may take less than it was given, at the edge of a full disk for one. */
async function writeFully(file: FileHandle, data: Buffer, position: number): Promise<void> {
  for (let done = 0; done < data.length;) {
    const { bytesWritten } = await file.write(data, done, data.length - done, position + done);
    done += bytesWritten;
  }
}

async function prepareFiles(
  blobs: string,
  key: JournalKey,
): Promise<{ data: FileHandle; journal: FileHandle; records: readonly JournalRecord[] }> {
  const target = partialPath(blobs, key.etag);
  const beside = journalPath(blobs, key.etag);
  const found = await readPartial(blobs, key);
  if (found.validBytes === 0) {
    // The journal goes first: a journal without its bytes would be believed, bytes without a journal are not.
    await rm(beside, { force: true });
    await rm(target, { force: true });
  } else await truncate(beside, found.validBytes);
  const data = await open(target, found.validBytes === 0 ? 'wx+' : 'r+');
  try {
    if (found.validBytes === 0) await data.truncate(key.sizeBytes);
    const journal = await open(beside, 'a');
    if (found.validBytes === 0) await journal.appendFile(journalHead(key));
    return { data, journal, records: found.records };
  } catch (error) {
    await data.close();
    throw error;
  }
}

/**
 * Opens (or makes) the partial of one blob. `syncs` is shared by all files of a pull: one fdatasync at a time keeps
 * the other threads of libuv free for writes. File system failures come out named.
 */
export async function openPartial(blobs: string, key: JournalKey, syncs: Mutex): Promise<PartialFile> {
  const path = partialPath(blobs, key.etag);
  const named = (error: unknown): never => {
    throw namedDiskError(error, path);
  };
  const opened = await prepareFiles(blobs, key).catch(named);
  const { data } = opened;
  let { journal } = opened;
  let records = [...opened.records];
  let queue: JournalRecord[] = [];
  let flushing: Promise<void> | null = null;

  const flush = async (): Promise<void> => {
    await syncs.run(async () => {
      const batch = queue;
      queue = [];
      flushing = null;
      // Data before journal: after a power cut a line must never vouch for bytes that are zeros.
      await data.datasync();
      await journal.appendFile(batch.map(journalLine).join(''));
      records.push(...batch);
    });
  };

  return {
    path,
    records: () => records,
    write: (bytes, position) => writeFully(data, bytes, position).catch(named),
    commit: (record) => {
      queue.push(record);
      flushing ??= flush().catch(named);
      return flushing;
    },
    keepOnly: async (kept) => {
      await journal.close();
      await rm(journalPath(blobs, key.etag), { force: true });
      journal = await open(journalPath(blobs, key.etag), 'a');
      records = [...kept];
      await journal.appendFile(journalHead(key) + records.map(journalLine).join(''));
    },
    place: async (target) => {
      await data.datasync().catch(named);
      await rename(path, target).catch(named);
      await syncFolder(dirname(target));
      await keepJournal(blobs, key.etag);
    },
    close: async () => {
      await Promise.allSettled([data.close(), journal.close()]);
    },
    discard: async () => {
      await rm(journalPath(blobs, key.etag), { force: true });
      await rm(path, { force: true });
    },
  };
}
