import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { once } from 'node:events';

export interface LineFile {
  /** Appends one line; resolves when it may be followed by another (back-pressure). Never rejects. */
  write(line: string): Promise<void>;
  /** Resolves once all is handed to the kernel. Idempotent. */
  close(): Promise<void>;
}

const sizeOf = async (path: string): Promise<number> => (await stat(path).catch(() => null))?.size ?? 0;

/**
 * A text file that only grows, up to `maxBytes`: then it becomes `PATH.1`, replacing an older one, and begins anew. So
 * at most twice `maxBytes` lie on disk. A full or broken disk loses lines and stops nothing.
 */
export function openLineFile(path: string, maxBytes: number, mode = 0o600): LineFile {
  let stream: WriteStream | null = null;
  let size = 0;
  let chain: Promise<void> = Promise.resolve();
  let isClosed = false;
  const open = async (): Promise<WriteStream> => {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    size = await sizeOf(path);
    const opened = createWriteStream(path, { flags: 'a', mode });
    opened.on('error', () => {});
    return opened;
  };
  const end = async (): Promise<void> => {
    const current = stream;
    stream = null;
    if (current === null || current.destroyed) return;
    current.end();
    await once(current, 'close').catch(() => {});
  };
  const append = async (text: string): Promise<void> => {
    const bytes = Buffer.byteLength(text);
    if (stream !== null && size > 0 && size + bytes > maxBytes) {
      await end();
      await rename(path, `${path}.1`);
    }
    stream ??= await open();
    size += bytes;
    if (stream.destroyed || stream.write(text)) return;
    await once(stream, 'drain');
  };
  return {
    write: (line) => {
      if (isClosed) return Promise.resolve();
      chain = chain.then(() => append(`${line}\n`)).catch(() => {});
      return chain;
    },
    close: () => {
      isClosed = true;
      chain = chain.then(end).catch(() => {});
      return chain;
    },
  };
}
