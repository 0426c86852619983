import type { IncomingHttpHeaders } from 'node:http';

/** What came of a try. */
export type Outcome =
  /** A whole answer that fitted into memory; nothing of it was sent on. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers: IncomingHttpHeaders;
      readonly body: Buffer;
    }
  /** Everything was passed on, to its proper end. */
  | { readonly kind: 'delivered' }
  /** The engine reported an error inside a stream; it was passed on. */
  | { readonly kind: 'failed-stream'; readonly isDead: boolean }
  /** The engine said that its core is dead before anything was passed on. */
  | { readonly kind: 'dead' }
  /** The connection ended too early, or never came to be. */
  | { readonly kind: 'lost'; readonly error: Error };

/** Takes the body of one answer. `data` returns false to be paused; it calls `resume` of its attempt later. */
export interface Receiver {
  data(chunk: Buffer): boolean;
  /** The body is whole. */
  end(): Outcome;
}
