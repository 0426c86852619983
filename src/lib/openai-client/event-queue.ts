/** How many undelivered items make the queue ask its producer to stop, and to go on again. */
const highMark = 1024;
const lowMark = 256;

export interface QueueFlow {
  pause(): void;
  resume(): void;
  /** The reader left before the end. */
  abandon(): void;
}

/** Hands items from callbacks to one `for await` reader, with back-pressure both ways. */
export class EventQueue<Item> implements AsyncIterableIterator<Item> {
  readonly #flow: QueueFlow;
  #items: Item[] = [];
  #head = 0;
  #end: { error: unknown } | null = null;
  #waiting: { resolve: (result: IteratorResult<Item>) => void; reject: (error: unknown) => void } | null =
    null;
  #isPaused = false;

  constructor(flow: QueueFlow) {
    this.#flow = flow;
  }

  push(item: Item): void {
    if (this.#end !== null) return;
    if (this.#waiting !== null) {
      const { resolve } = this.#waiting;
      this.#waiting = null;
      resolve({ value: item, done: false });
      return;
    }
    this.#items.push(item);
    if (!this.#isPaused && this.#items.length - this.#head >= highMark) {
      this.#isPaused = true;
      this.#flow.pause();
    }
  }

  /** Ends the queue; items already in it are still delivered, then `error` (undefined: none) is thrown. First call wins. */
  close(error?: unknown): void {
    if (this.#end !== null) return;
    this.#end = { error };
    if (this.#waiting === null) return;
    const { resolve, reject } = this.#waiting;
    this.#waiting = null;
    if (error === undefined) resolve({ value: undefined, done: true });
    else reject(error);
  }

  next(): Promise<IteratorResult<Item>> {
    if (this.#head < this.#items.length) return Promise.resolve({ value: this.#shift(), done: false });
    if (this.#end !== null) {
      const { error } = this.#end;
      this.#end = { error: undefined };
      return error === undefined ? Promise.resolve({ value: undefined, done: true }) : Promise.reject(error);
    }
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  return(): Promise<IteratorResult<Item>> {
    this.#items = [];
    this.#head = 0;
    if (this.#end === null) this.#flow.abandon();
    this.close();
    this.#end = { error: undefined };
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #shift(): Item {
    const item = this.#items[this.#head] as Item;
    this.#head += 1;
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#head = 0;
    }
    if (this.#isPaused && this.#items.length - this.#head <= lowMark) {
      this.#isPaused = false;
      this.#flow.resume();
    }
    return item;
  }
}
