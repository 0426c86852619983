export interface QueueEntry {
  /** Turns are taken by key. */
  readonly keyId: string;
}

/** First in, first out inside a key; keys take turns. Plain data structure, no time, no effects. */
export class FairQueue<T extends QueueEntry> {
  /** In order of turns: the first key is served next. */
  readonly #byKey = new Map<string, T[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(entry: T): void {
    const waiting = this.#byKey.get(entry.keyId);
    if (waiting === undefined) this.#byKey.set(entry.keyId, [entry]);
    else waiting.push(entry);
    this.#size += 1;
  }

  /** Puts an entry that has had its turn before in front of its key. */
  pushFront(entry: T): void {
    const waiting = this.#byKey.get(entry.keyId);
    if (waiting === undefined) this.#byKey.set(entry.keyId, [entry]);
    else waiting.unshift(entry);
    this.#size += 1;
  }

  take(): T | null {
    for (const [key, waiting] of this.#byKey) {
      const entry = waiting.shift();
      this.#byKey.delete(key);
      if (entry === undefined) continue;
      if (waiting.length > 0) this.#byKey.set(key, waiting);
      this.#size -= 1;
      return entry;
    }
    return null;
  }

  /** True when it was there. */
  remove(entry: T): boolean {
    const waiting = this.#byKey.get(entry.keyId);
    const at = waiting?.indexOf(entry) ?? -1;
    if (waiting === undefined || at === -1) return false;
    waiting.splice(at, 1);
    if (waiting.length === 0) this.#byKey.delete(entry.keyId);
    this.#size -= 1;
    return true;
  }

  countOf(keyId: string): number {
    return this.#byKey.get(keyId)?.length ?? 0;
  }

  /**
   * In a full queue: the newest entry of the key that has most, if that is at least two more than `keyId` has. So one key
   * may fill an idle queue, and yet cannot keep others out.
   */
  victimFor(keyId: string): T | null {
    let longest: T[] = [];
    for (const waiting of this.#byKey.values()) if (waiting.length > longest.length) longest = waiting;
    return longest.length >= this.countOf(keyId) + 2 ? (longest.at(-1) ?? null) : null;
  }

  entries(): T[] {
    return [...this.#byKey.values()].flat();
  }
}
