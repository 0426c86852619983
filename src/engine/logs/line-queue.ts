import type { LogLine } from '../types.ts';

/** Lines kept for a reader that lags. */
const defaultCapacity = 20_000;

export interface LineQueue extends AsyncIterable<LogLine> {
  push(line: LogLine): void;
  /** No further line comes; the reader ends after those it has not read yet. */
  end(): void;
}

/**
 * A bounded queue from the engine's pipes to one reader. The engine is never blocked on a slow reader: the oldest
 * lines go, and a line in their place says how many.
 */
export function createLineQueue(capacity = defaultCapacity): LineQueue {
  let lines: LogLine[] = [];
  let head = 0;
  let dropped = 0;
  let ended = false;
  let wake: (() => void) | null = null;
  const stir = () => {
    wake?.();
    wake = null;
  };
  const take = (): LogLine | null => {
    const line = lines[head];
    if (line === undefined) return null;
    if (dropped > 0) {
      const text = `[stepctl: ${dropped} log lines dropped, their reader was too slow]`;
      dropped = 0;
      return { at: line.at, stream: line.stream, text };
    }
    advance();
    return line;
  };
  /** Moves on by one line. Compacts seldom: shifting an array of thousands for every line would be quadratic. */
  const advance = (): void => {
    head += 1;
    if (head <= 1024 || head * 2 <= lines.length) return;
    lines = lines.slice(head);
    head = 0;
  };
  async function* read(): AsyncGenerator<LogLine> {
    for (;;) {
      const line = take();
      if (line !== null) yield line;
      else if (ended) return;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  }
  return {
    push: (line) => {
      if (ended) return;
      lines.push(line);
      if (lines.length - head > capacity) {
        advance();
        dropped += 1;
      }
      stir();
    },
    end: () => {
      ended = true;
      stir();
    },
    [Symbol.asyncIterator]: read,
  };
}
