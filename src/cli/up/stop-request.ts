/** Why the controller has to stop; the first reason stands. */
export type StopReason = 'interrupt' | 'down';

/** Joins Ctrl-C and `stepctl down` into one signal with a reason, a drain time and an end that callers can wait for. */
export class StopRequest {
  readonly #controller = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  #reason: StopReason | null = null;
  #drainMs: number | null = null;

  constructor(interrupt: AbortSignal) {
    if (interrupt.aborted) this.ask('interrupt', null);
    else interrupt.addEventListener('abort', () => this.ask('interrupt', null), { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get reason(): StopReason | null {
    return this.#reason;
  }

  get drainMs(): number | null {
    return this.#drainMs;
  }

  ask(reason: StopReason, drainMs: number | null): void {
    if (this.#reason !== null) return;
    this.#reason = reason;
    this.#drainMs = drainMs;
    this.#controller.abort();
  }

  /** Resolves when it was asked to stop. */
  asked(): Promise<void> {
    if (this.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => this.signal.addEventListener('abort', () => resolve(), { once: true }));
  }

  markEnded(): void {
    this.#ended.resolve();
  }

  ended(): Promise<void> {
    return this.#ended.promise;
  }
}
