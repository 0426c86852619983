import type { PullTuning, RepoFile } from '../types.ts';
import { type FileTask, leftIn, takePart } from './file-task.ts';
import { createMutex } from './mutex.ts';
import { type ByteRange, partLength } from './ranges.ts';

/** A part that one connection fetches next. */
export interface Work {
  readonly task: FileTask;
  readonly part: ByteRange;
}

/** What is left of a pull: files not begun, and those under way. */
export interface FetchQueue {
  /** The next part: of the first file that has one, else of the next file, which is opened. null: nothing right now. */
  claim(): Promise<Work | null>;
  /** Takes a placed file off. */
  remove(task: FileTask): void;
  /** Files under way. */
  open(): readonly FileTask[];
  isEmpty(): boolean;
}

export function createFetchQueue(options: {
  readonly files: readonly RepoFile[];
  readonly connections: number;
  readonly tuning: PullTuning;
  readonly openTask: (file: RepoFile) => Promise<FileTask>;
}): FetchQueue {
  const waiting = [...options.files];
  const open: FileTask[] = [];
  // One claim at a time: opening a file is asynchronous, and the next claim must see it.
  const claims = createMutex();
  // More files than this under way means that hashing is behind: then connections wait for it.
  const maxOpen = options.connections + 4;
  const leftBytes = (): number =>
    open.reduce((sum, task) => sum + leftIn(task), 0) +
    waiting.reduce((sum, file) => sum + file.sizeBytes, 0);
  const takeNext = (): Work | null => {
    const length = partLength(leftBytes(), options.connections, options.tuning);
    for (const task of open) {
      const part = takePart(task, length);
      if (part !== null) return { task, part };
    }
    return null;
  };
  return {
    open: () => open,
    isEmpty: () => open.length === 0 && waiting.length === 0,
    remove: (task) => void open.splice(open.indexOf(task), 1),
    claim: () =>
      claims.run(async () => {
        for (;;) {
          const work = takeNext();
          const next = work === null && open.length < maxOpen ? waiting.shift() : undefined;
          if (work !== null || next === undefined) return work;
          open.push(await options.openTask(next));
        }
      }),
  };
}
