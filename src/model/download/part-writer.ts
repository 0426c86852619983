import { crc32 } from 'node:zlib';
import type { BufferPool } from './buffer-pool.ts';
import type { Ledger } from './ledger.ts';
import type { PartialFile } from './partial.ts';
import type { ByteRange } from './ranges.ts';

/** Turns the chunks of one part into few large writes and journalled units. One part, in order, from its first byte. */
export interface PartWriter {
  /** First byte not yet received. */
  position(): number;
  /** Takes the next bytes (never beyond the part's end); false asks for a pause until `onceReady` calls back. */
  push(chunk: Buffer): boolean;
  onceReady(callback: () => void): void;
  isPaused(): boolean;
  /** Writes and journals all that was received. Rejects with the first failure of the disk. */
  seal(): Promise<void>;
}

const maxWritesInFlight = 2;

export interface PartWriterOptions {
  readonly partial: PartialFile;
  readonly part: ByteRange;
  readonly ledger: Ledger;
  readonly unitBytes: number;
  readonly buffers: BufferPool;
  /** The disk failed: nothing more should be received. */
  readonly onFailure: () => void;
  /** A stretch has reached the file: the hash may read it. */
  readonly onWritten: (range: ByteRange) => void;
}

export function createPartWriter(options: PartWriterOptions): PartWriter {
  const { partial, part, ledger } = options;
  let position = part.start;
  let unitStart = part.start;
  let crc = 0;
  let block: Buffer | null = null;
  let filled = 0;
  let inFlight = 0;
  let isPaused = false;
  let ready: (() => void) | null = null;
  let failure: unknown = null;
  let unitWrites: Promise<void>[] = [];
  const unfinished = new Set<Promise<void>>();

  const mayGoOn = (): boolean => failure === null && inFlight < maxWritesInFlight && !ledger.isOver();
  const wake = (): void => {
    if (!isPaused) return;
    if (ledger.isOver()) return ledger.onceUnder(wake);
    if (!mayGoOn() && failure === null) return;
    isPaused = false;
    ready?.();
  };
  const track = (work: Promise<void>): Promise<void> => {
    const tracked = work
      .catch((error: unknown) => {
        failure ??= error;
        options.onFailure();
      })
      .finally(() => unfinished.delete(tracked));
    unfinished.add(tracked);
    return tracked;
  };
  const flush = (): void => {
    if (block === null) return;
    const buffer = block;
    const data = buffer.subarray(0, filled);
    const range = { start: position - filled, end: position };
    block = null;
    filled = 0;
    crc = crc32(data, crc);
    inFlight += 1;
    const write = async (): Promise<void> => {
      try {
        await partial.write(data, range.start);
        options.onWritten(range);
      } finally {
        options.buffers.give(buffer);
        inFlight -= 1;
      }
    };
    unitWrites.push(track(write()).then(wake));
  };
  const endUnit = (): void => {
    flush();
    const length = position - unitStart;
    if (length === 0) return;
    const record = { start: unitStart, length, dataCrc: crc };
    const writes = unitWrites;
    const commit = async (): Promise<void> => {
      await Promise.all(writes);
      try {
        if (failure === null) await partial.commit(record);
      } finally {
        ledger.settle(length);
      }
    };
    void track(commit());
    unitStart = position;
    unitWrites = [];
    crc = 0;
  };

  return {
    position: () => position,
    isPaused: () => isPaused,
    push: (chunk) => {
      for (let from = 0; from < chunk.length;) {
        block ??= options.buffers.take();
        const copied = chunk.copy(block, filled, from);
        from += copied;
        filled += copied;
        position += copied;
        if (position - unitStart >= options.unitBytes || position === part.end) endUnit();
        else if (filled === block.length) flush();
      }
      ledger.add(chunk.length);
      if (mayGoOn()) return true;
      isPaused = true;
      if (ledger.isOver()) ledger.onceUnder(wake);
      return false;
    },
    onceReady: (callback) => {
      ready = callback;
      if (!isPaused) callback();
    },
    seal: async () => {
      endUnit();
      while (unfinished.size > 0) await Promise.all(unfinished);
      if (failure !== null) throw failure;
    },
  };
}
