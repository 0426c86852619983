import type { Exchange } from './exchange.ts';
import type { OpenRequest } from './types.ts';

/** Who is open right now: requests that wait or are forwarded, and answers that the client has yet to take. */
export class Ledger {
  readonly #open = new Set<Exchange>();
  readonly #byKey = new Map<string, number>();
  /** Settled, but bytes of the answer are still on this side. Value: since when, monotonic ms. */
  readonly #lingering = new Map<Exchange, number>();
  #idleWaiters: (() => void)[] = [];

  get size(): number {
    return this.#open.size;
  }

  countOf(keyId: string): number {
    return this.#byKey.get(keyId) ?? 0;
  }

  add(exchange: Exchange): void {
    this.#open.add(exchange);
    this.#byKey.set(exchange.keyId, this.countOf(exchange.keyId) + 1);
  }

  remove(exchange: Exchange): void {
    if (!this.#open.delete(exchange)) return;
    const left = this.countOf(exchange.keyId) - 1;
    if (left <= 0) this.#byKey.delete(exchange.keyId);
    else this.#byKey.set(exchange.keyId, left);
    if (this.#open.size === 0) for (const tell of this.#idleWaiters.splice(0)) tell();
  }

  entries(): Exchange[] {
    return [...this.#open];
  }

  linger(exchange: Exchange, nowMs: number): void {
    this.#lingering.set(exchange, nowMs);
    exchange.response.once('close', () => this.#lingering.delete(exchange));
  }

  /** Settled exchanges whose client has taken nothing for `ms`. */
  stuck(nowMs: number, ms: number): Exchange[] {
    return [...this.#lingering].filter(([, since]) => nowMs - since > ms).map(([exchange]) => exchange);
  }

  /** Resolves once nothing is open. */
  whenIdle(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idleWaiters.push(resolve);
    });
  }

  describe(): OpenRequest[] {
    const rows: OpenRequest[] = [];
    for (const exchange of this.#open) {
      if (exchange.route === null || (exchange.phase !== 'queued' && exchange.phase !== 'forwarded'))
        continue;
      rows.push({
        id: exchange.id,
        keyId: exchange.keyId,
        route: exchange.route.name,
        phase: exchange.phase,
        isStream: exchange.isStream,
        bodyBytes: exchange.body?.bytes.length ?? 0,
        incarnation: exchange.incarnation,
        arrivedAtMs: exchange.arrivedAtMs,
        forwardedAtMs: exchange.forwardedAtMs,
        lastByteAtMs: exchange.lastByteAtMs,
      });
    }
    return rows;
  }
}
