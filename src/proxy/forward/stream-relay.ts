import type { Exchange } from '../exchange.ts';
import { commitStream, writeStream } from '../respond.ts';
import { isEngineDead } from './engine-error.ts';
import { EventFramer } from './event-framer.ts';
import { inspectEvent, readUsage } from './inspect-event.ts';
import type { Outcome, Receiver } from './receiver.ts';

/** Longest event that is held until its end; tool arguments of some 100 kB are the longest real ones. */
const maxEventBytes = 1024 * 1024;

export interface RelayDeps {
  readonly nowMs: () => number;
  readonly isClosing: () => boolean;
  /** The outcome is known before the body ends: the rest is not wanted. */
  readonly stop: (outcome: Outcome) => void;
}

/** Passes a stream on in whole events, takes out the usage chunk that only the proxy asked for, and watches for errors. */
export class StreamRelay implements Receiver {
  readonly #exchange: Exchange;
  readonly #deps: RelayDeps;
  readonly #framer = new EventFramer(maxEventBytes);
  #isDone = false;
  #hasFailed = false;
  #isDead = false;
  /** The outcome was told early: nothing of this stream may reach the client any more, it may be run again. */
  #isStopped = false;

  constructor(exchange: Exchange, deps: RelayDeps) {
    this.#exchange = exchange;
    this.#deps = deps;
  }

  data(chunk: Buffer): boolean {
    if (this.#isDone || this.#isStopped) return true;
    return this.#pass(this.#framer.push(chunk));
  }

  end(): Outcome {
    const { rest } = this.#framer;
    if (rest.length > 0) this.#pass([rest]);
    if (this.#hasFailed) return { kind: 'failed-stream', isDead: this.#isDead };
    if (this.#isDone) return { kind: 'delivered' };
    return { kind: 'lost', error: new Error('the stream ended without [DONE]') };
  }

  #pass(events: Buffer[]): boolean {
    const kept = events.length === 1 ? this.#keepOne(events) : events.filter((event) => this.#keep(event));
    const exchange = this.#exchange;
    exchange.isAtBoundary = this.#framer.isWhole;
    if (kept.length === 0 || this.#isStopped || exchange.end !== null) return true;
    const now = this.#deps.nowMs();
    commitStream(exchange, this.#deps.isClosing());
    exchange.isDelivered = true;
    exchange.firstDataAtMs ??= now;
    return writeStream(
      exchange,
      kept.length === 1 && kept[0] !== undefined ? kept[0] : Buffer.concat(kept),
      now,
    );
  }

  /** The usual case, without an array of its own. */
  #keepOne(events: Buffer[]): Buffer[] {
    return events[0] !== undefined && this.#keep(events[0]) ? events : [];
  }

  #keep(event: Buffer): boolean {
    if (this.#isDone || this.#isStopped || this.#exchange.end !== null) return false;
    switch (inspectEvent(event)) {
      case 'data':
        return true;
      case 'usage':
        this.#exchange.usage = readUsage(event.toString('latin1')) ?? this.#exchange.usage;
        return this.#exchange.body?.wantsUsage === true;
      case 'error':
        return this.#keepError(event);
      case 'done':
        this.#isDone = true;
        // vLLM ends a failed stream with [DONE]; passed on, it would say "all of it".
        return !this.#hasFailed;
    }
  }

  #keepError(event: Buffer): boolean {
    this.#hasFailed = true;
    this.#isDead ||= isEngineDead(event.toString('utf8'));
    if (!this.#isDead || this.#exchange.isDelivered) return true;
    this.#isStopped = true;
    this.#deps.stop({ kind: 'dead' });
    return false;
  }
}
