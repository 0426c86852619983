const lineFeed = 10;
const carriageReturn = 13;
const nothing = Buffer.alloc(0);

/**
 * Cuts the bytes of a text/event-stream body at the ends of its events, whatever the slicing; bytes are not changed, and
 * what `push` returned in sum plus `rest` is always what came in. Line ends LF and CRLF (a bare CR is used by no server
 * of this API; such a stream passes in pieces of `maxEventBytes`).
 */
export class EventFramer {
  readonly #maxEventBytes: number;
  #carry: Buffer = nothing;
  /** Where the current line begins in the carry, and how far was looked. */
  #lineStart = 0;
  #isWhole = true;

  constructor(maxEventBytes: number) {
    this.#maxEventBytes = maxEventBytes;
  }

  /** Bytes of an event that has not ended yet. */
  get rest(): Buffer {
    return this.#carry;
  }

  /** False after a piece of an event too large to hold was handed out: the receiver is in the middle of one. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** The events that these bytes complete, each with its blank line. */
  push(chunk: Buffer): Buffer[] {
    const bytes = this.#carry.length === 0 ? chunk : Buffer.concat([this.#carry, chunk]);
    const events: Buffer[] = [];
    let start = 0;
    let lineStart = this.#lineStart;
    for (let at = bytes.indexOf(lineFeed, lineStart); at !== -1; at = bytes.indexOf(lineFeed, lineStart)) {
      const isBlank = at === lineStart || (at === lineStart + 1 && bytes[lineStart] === carriageReturn);
      lineStart = at + 1;
      if (!isBlank) continue;
      events.push(bytes.subarray(start, lineStart));
      this.#isWhole = true;
      start = lineStart;
    }
    this.#carry = start === bytes.length ? nothing : bytes.subarray(start);
    this.#lineStart = lineStart - start;
    if (this.#carry.length > this.#maxEventBytes) this.#spill(events);
    return events;
  }

  /** Bounded memory comes before whole events: the piece is handed out, up to the current line's begin if it can be. */
  #spill(events: Buffer[]): void {
    events.push(this.#carry);
    this.#carry = nothing;
    this.#lineStart = 0;
    this.#isWhole = false;
  }
}
