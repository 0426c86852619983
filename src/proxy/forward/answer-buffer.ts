import type { IncomingHttpHeaders } from 'node:http';
import type { Exchange } from '../exchange.ts';
import { downstreamHeaders } from '../headers.ts';
import type { Outcome, Receiver } from './receiver.ts';

/** Answers up to this are held whole: an answer cut short then costs the client nothing. Only logprobs make larger ones. */
const maxHeldBytes = 1024 * 1024;

/** Collects a plain answer; a very large one is passed on as it comes. */
export class AnswerBuffer implements Receiver {
  readonly #exchange: Exchange;
  readonly #status: number;
  readonly #headers: IncomingHttpHeaders;
  readonly #nowMs: () => number;
  #parts: Buffer[] = [];
  #size = 0;
  #isPassing = false;

  constructor(exchange: Exchange, status: number, headers: IncomingHttpHeaders, nowMs: () => number) {
    this.#exchange = exchange;
    this.#status = status;
    this.#headers = headers;
    this.#nowMs = nowMs;
  }

  data(chunk: Buffer): boolean {
    this.#size += chunk.length;
    if (this.#isPassing) return this.#write(chunk);
    // After an early 200 for a stream there is no way to pass on another kind of answer: its beginning says why.
    if (this.#exchange.isCommitted && this.#size > maxHeldBytes) return true;
    this.#parts.push(chunk);
    return this.#size <= maxHeldBytes ? true : this.#passOn();
  }

  end(): Outcome {
    if (this.#isPassing) {
      this.#exchange.response.end();
      return { kind: 'delivered' };
    }
    const [first] = this.#parts;
    const body = this.#parts.length === 1 && first !== undefined ? first : Buffer.concat(this.#parts);
    return { kind: 'answer', status: this.#status, headers: this.#headers, body };
  }

  #passOn(): boolean {
    const exchange = this.#exchange;
    this.#isPassing = true;
    exchange.status = this.#status;
    exchange.isCommitted = true;
    exchange.isDelivered = true;
    exchange.isAtBoundary = false;
    exchange.firstDataAtMs = this.#nowMs();
    const headers = downstreamHeaders(this.#headers, exchange.id);
    const length = this.#headers['content-length'];
    if (length !== undefined) headers.push('content-length', length);
    exchange.response.writeHead(this.#status, headers);
    const held = Buffer.concat(this.#parts, this.#size);
    this.#parts = [];
    return this.#write(held);
  }

  #write(chunk: Buffer): boolean {
    this.#exchange.bytesOut += chunk.length;
    this.#exchange.lastWriteAtMs = this.#nowMs();
    return this.#exchange.response.write(chunk);
  }
}
