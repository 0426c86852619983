import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Candidate } from './admission/admission.ts';
import type { CheckedBody } from './body/body-policy.ts';
import type { TokenUsage } from './forward/inspect-event.ts';
import type { Refusal } from './refusal.ts';
import type { Route } from './routes.ts';
import type { EndReason } from './types.ts';
import type { EngineSnapshot } from '../supervisor/types.ts';

export interface ExchangeStart {
  readonly id: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly remote: string;
  readonly at: number;
  readonly nowMs: number;
}

/** What a waiting or forwarded exchange asks of the flow that owns it. */
export interface ExchangeOwner {
  forward(exchange: Exchange, snapshot: EngineSnapshot): void;
  refuse(exchange: Exchange, refusal: Refusal): void;
}

/** One request and its answer, from the head to the last byte: state only, the stages act on it. Times are monotonic ms. */
export class Exchange implements Candidate {
  readonly id: string;
  readonly method: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly remote: string;
  /** Wall clock, ms since the epoch. */
  readonly at: number;
  readonly arrivedAtMs: number;

  route: Route | null = null;
  keyId = '';
  traceparent: string | null = null;
  owner: ExchangeOwner | null = null;
  body: CheckedBody | null = null;
  bytesIn = 0;
  /** Bytes to give back to the budget. */
  heldBytes = 0;

  phase: 'reading' | 'queued' | 'forwarded' | 'done' = 'reading';
  deadlineAt = Number.POSITIVE_INFINITY;
  queuedAtMs = 0;
  queueMs = 0;
  incarnation: number | null = null;
  forwardedAtMs: number | null = null;
  lastByteAtMs: number | null = null;
  /** Ends the try that is under way, if one is. */
  cancelAttempt: (() => void) | null = null;
  retries = 0;
  readmits = 0;

  status = 0;
  /** Headers of the answer are out. */
  isCommitted = false;
  /** The client has got some of the engine's answer: from here on nothing may be done twice. */
  isDelivered = false;
  /** Nothing of an unfinished event is out: a comment or an error event may follow. */
  isAtBoundary = true;
  firstDataAtMs: number | null = null;
  lastWriteAtMs = 0;
  /** Since when the client takes no bytes; null while it does. */
  blockedSinceMs: number | null = null;
  bytesOut = 0;
  usage: TokenUsage | null = null;
  refusal: Refusal | null = null;
  end: EndReason | null = null;

  constructor(start: ExchangeStart) {
    this.id = start.id;
    this.method = start.request.method ?? '';
    this.request = start.request;
    this.response = start.response;
    this.remote = start.remote;
    this.at = start.at;
    this.arrivedAtMs = start.nowMs;
  }

  get isStream(): boolean {
    return this.body?.isStream ?? false;
  }

  forward(snapshot: EngineSnapshot): void {
    this.owner?.forward(this, snapshot);
  }

  refuse(refusal: Refusal): void {
    this.owner?.refuse(this, refusal);
  }
}
