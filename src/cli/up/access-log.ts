import { createWriteStream, type WriteStream } from 'node:fs';
import { rename, stat } from 'node:fs/promises';
import type { AccessRecord } from '../../proxy/index.ts';

/** The file grows to this and is then set aside once: two files at most. */
const maxBytes = 32 * 1024 * 1024;
/** Lines that may wait for a slow disk; beyond it they are dropped and counted, the proxy never waits for its log. */
const maxWaitingBytes = 4 * 1024 * 1024;

export interface AccessLog {
  readonly write: (record: AccessRecord) => void;
  close(): Promise<void>;
}

/** One JSON line a request, health probes left out: typed fields only, no prompt, no header, no key. */
export async function openAccessLog(path: string): Promise<AccessLog> {
  let size = (await stat(path).catch(() => null))?.size ?? 0;
  let stream = open(path);
  let dropped = 0;
  let rotating: Promise<void> | null = null;
  const rotate = async (): Promise<void> => {
    await end(stream);
    await rename(path, `${path}.1`).catch(() => undefined);
    stream = open(path);
    size = 0;
    rotating = null;
  };
  return {
    write: (record) => {
      if (record.route === 'live' || record.route === 'ready') return;
      if (rotating !== null || stream.writableLength > maxWaitingBytes) {
        dropped += 1;
        return;
      }
      const line = `${JSON.stringify(dropped === 0 ? record : { ...record, droppedBefore: dropped })}\n`;
      dropped = 0;
      size += Buffer.byteLength(line);
      stream.write(line);
      if (size > maxBytes) rotating = rotate();
    },
    close: async () => {
      await rotating;
      await end(stream);
    },
  };
}

function open(path: string): WriteStream {
  const stream = createWriteStream(path, { flags: 'a', mode: 0o600 });
  // A full disk costs the log, not the service.
  stream.on('error', () => {});
  return stream;
}

const end = (stream: WriteStream): Promise<void> =>
  new Promise((resolve) => {
    if (stream.destroyed) resolve();
    else stream.end(() => resolve());
    stream.once('error', () => resolve());
  });
