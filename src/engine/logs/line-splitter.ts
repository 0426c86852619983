import { StringDecoder } from 'node:string_decoder';

/** Longest line kept, in characters; what exceeds it is cut and counted. */
const defaultMaxLength = 16_384;

export interface LineSplitter {
  /** Feeds bytes; calls back once per finished line. */
  push(chunk: Uint8Array): void;
  /** Hands over what is left without a line end. */
  end(): void;
}

/**
 * Cuts a byte stream into lines at `\n`, `\r\n` and at a bare `\r`, so that each state of a progress bar is a line.
 * Blank lines are dropped: `\r\n` and bars make many and none says anything. Memory stays below `maxLength`.
 */
export function createLineSplitter(
  onLine: (text: string) => void,
  maxLength = defaultMaxLength,
): LineSplitter {
  const decoder = new StringDecoder('utf8');
  let kept = '';
  let cut = 0;
  const finish = () => {
    const text = cut === 0 ? kept : `${kept} [cut: ${cut} more characters]`;
    kept = '';
    cut = 0;
    if (text.trim() !== '') onLine(text);
  };
  const add = (text: string) => {
    const room = maxLength - kept.length;
    kept += room >= text.length ? text : text.slice(0, room);
    cut += Math.max(0, text.length - room);
  };
  const feed = (text: string) => {
    const parts = text.split(/[\r\n]/);
    for (const [index, part] of parts.entries()) {
      if (index > 0) finish();
      add(part);
    }
  };
  return {
    push: (chunk) => feed(decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))),
    end: () => {
      feed(decoder.end());
      finish();
    },
  };
}
