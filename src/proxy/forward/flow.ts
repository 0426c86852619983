import type { EngineSnapshot } from '../../supervisor/types.ts';
import type { Admission } from '../admission/admission.ts';
import { lostRefusal } from '../admission/shed.ts';
import type { Exchange, ExchangeOwner } from '../exchange.ts';
import { downstreamHeaders } from '../headers.ts';
import type { ProxyPolicy } from '../policy.ts';
import { type Refusal, refusal, renderRefusal } from '../refusal.ts';
import { breakStream, sendAnswer, sendRefusal } from '../respond.ts';
import { settle, type SettleDeps } from '../settle.ts';
import type { ProxyTimers } from '../timers.ts';
import type { EndReason } from '../types.ts';
import { Attempt } from './attempt.ts';
import { decideAfterLoss } from './decide-loss.ts';
import { isEngineDead, isNeverSent, readErrorStatus } from './engine-error.ts';
import { readUsage } from './inspect-event.ts';
import type { Outcome } from './receiver.ts';
import type { Upstreams } from './upstream.ts';

export interface FlowDeps extends SettleDeps {
  readonly admission: Admission;
  readonly upstreams: Upstreams;
  readonly policy: Pick<ProxyPolicy, 'queueTimeoutMs' | 'isReadmitting'>;
  readonly timers: Pick<ProxyTimers, 'refusedHoldMs' | 'deadHoldMs'>;
}

/** Seventh stage: takes an admitted exchange to the engine and its answer to the client, and decides what a failure means. */
export class Flow implements ExchangeOwner {
  readonly #deps: FlowDeps;

  constructor(deps: FlowDeps) {
    this.#deps = deps;
  }

  /** Hands a checked exchange to admission. */
  enter(exchange: Exchange): void {
    const now = this.#deps.nowMs();
    exchange.owner = this;
    exchange.phase = 'queued';
    exchange.queuedAtMs = now;
    exchange.deadlineAt = now + this.#deps.policy.queueTimeoutMs;
    this.#deps.admission.submit(exchange);
  }

  forward(exchange: Exchange, snapshot: EngineSnapshot): void {
    const { endpoint, incarnation } = snapshot;
    const path = exchange.route?.upstreamPath;
    // Admission forwards to a serving engine only; this is for the types.
    if (endpoint === null || path === null || path === undefined) return;
    const now = this.#deps.nowMs();
    exchange.phase = 'forwarded';
    exchange.queueMs += now - exchange.queuedAtMs;
    exchange.forwardedAtMs = now;
    exchange.lastByteAtMs = null;
    exchange.incarnation = incarnation;
    const attempt = new Attempt(exchange, this.#deps.upstreams.for(endpoint, incarnation), incarnation, {
      nowMs: this.#deps.nowMs,
      isClosing: () => this.#deps.admission.isDraining,
      done: (over, outcome) => this.#onOutcome(over, outcome),
    });
    exchange.cancelAttempt = () => attempt.cancel();
    attempt.start(path);
  }

  /** The proxy's own answer, in the form that is still possible. */
  refuse(
    exchange: Exchange,
    answer: Refusal,
    end: EndReason = answer.shed === null ? 'refused' : 'shed',
  ): void {
    if (exchange.end !== null) return;
    exchange.refusal = answer;
    if (exchange.isCommitted) breakStream(exchange, renderRefusal(answer));
    else sendRefusal(exchange, answer);
    settle(exchange, end, this.#deps);
  }

  /** Ends an exchange from the proxy's side, wherever it is: frees its place, cancels at the engine, tells the client if it can. */
  cut(exchange: Exchange, end: EndReason, answer: Refusal | null): void {
    if (exchange.end !== null) return;
    const wasForwarded = exchange.phase === 'forwarded';
    exchange.cancelAttempt?.();
    if (exchange.phase === 'queued') this.#deps.admission.withdraw(exchange);
    if (answer !== null) this.refuse(exchange, answer, end);
    else {
      exchange.response.destroy();
      settle(exchange, end, this.#deps);
    }
    if (wasForwarded) this.#deps.admission.release(exchange.incarnation ?? -1, false);
  }

  #onOutcome(attempt: Attempt, outcome: Outcome): void {
    const { exchange } = attempt;
    exchange.cancelAttempt = null;
    exchange.blockedSinceMs = null;
    switch (outcome.kind) {
      case 'answer':
        return this.#onAnswer(attempt, outcome);
      case 'delivered':
        if (exchange.isStream) exchange.response.end();
        return this.#finish(attempt, 'complete');
      case 'failed-stream':
        if (outcome.isDead)
          this.#deps.admission.hold(attempt.incarnation, this.#deps.timers.deadHoldMs, true);
        // The engine's own error event is out already; only the end is left.
        breakStream(exchange, null);
        return this.#finish(attempt, outcome.isDead ? 'upstream_lost' : 'engine_error');
      case 'dead':
        return this.#onLoss(attempt, {
          isNeverSent: false,
          wasReused: false,
          holdMs: this.#deps.timers.deadHoldMs,
        });
      case 'lost':
        return this.#onLoss(attempt, {
          isNeverSent: !attempt.hasAnswerBytes && isNeverSent(outcome.error),
          wasReused: attempt.upstream.wasReused(outcome.error),
          holdMs: this.#deps.timers.refusedHoldMs,
        });
    }
  }

  #onAnswer(attempt: Attempt, answer: Extract<Outcome, { kind: 'answer' }>): void {
    const { exchange } = attempt;
    const text = answer.body.toString('utf8');
    const errorStatus = readErrorStatus(text);
    const isError = answer.status >= 400 || errorStatus !== null;
    if (isError && isEngineDead(text)) {
      return this.#onLoss(attempt, {
        isNeverSent: false,
        wasReused: false,
        holdMs: this.#deps.timers.deadHoldMs,
      });
    }
    // 0.16.0 sends some failures with status 200: the body is right, the status is not.
    const status = answer.status < 400 && isError ? (errorStatus ?? 500) : answer.status;
    if (exchange.isCommitted) {
      breakStream(exchange, isError ? oneLine(text) : renderRefusal(unexpectedAnswer));
      return this.#finish(attempt, 'engine_error');
    }
    exchange.usage = isError ? null : readUsage(text);
    exchange.firstDataAtMs ??= this.#deps.nowMs();
    const headers = downstreamHeaders(answer.headers, exchange.id);
    if (this.#deps.admission.isDraining) headers.push('connection', 'close');
    sendAnswer(exchange, status, headers, answer.body);
    this.#finish(attempt, isError ? 'engine_error' : 'complete');
  }

  #finish(attempt: Attempt, end: EndReason): void {
    settle(attempt.exchange, end, this.#deps);
    this.#deps.admission.release(attempt.incarnation, end === 'complete');
  }

  #onLoss(attempt: Attempt, loss: { isNeverSent: boolean; wasReused: boolean; holdMs: number }): void {
    const { exchange } = attempt;
    const { admission, policy, nowMs } = this.#deps;
    const verdict = decideAfterLoss({
      ...loss,
      hasAnswerBytes: attempt.hasAnswerBytes,
      isDelivered: exchange.isDelivered,
      retries: exchange.retries,
      readmits: exchange.readmits,
      isReadmitting: policy.isReadmitting,
    });
    if (verdict !== 'retry') admission.hold(attempt.incarnation, loss.holdMs, !loss.isNeverSent);
    if (verdict === 'fail') {
      this.refuse(exchange, lostRefusal(admission.snapshot), 'upstream_lost');
      return admission.release(attempt.incarnation, false);
    }
    if (verdict === 'retry') exchange.retries += 1;
    if (verdict === 'readmit') {
      exchange.readmits += 1;
      exchange.deadlineAt = nowMs() + policy.queueTimeoutMs;
      this.#deps.metrics.readmitted();
    }
    exchange.phase = 'queued';
    exchange.queuedAtMs = nowMs();
    exchange.incarnation = null;
    exchange.forwardedAtMs = null;
    // First back into the queue, then the slot: its own turn comes before a newcomer's.
    admission.resubmit(exchange);
    admission.release(attempt.incarnation, false);
  }
}

const unexpectedAnswer = refusal({
  status: 502,
  code: 'bad_upstream',
  message: 'the engine did not answer with a stream',
});

/** A body as the data of one event; vLLM writes its errors on one line, others may not. */
const oneLine = (text: string): string => text.replaceAll(/[\r\n]+/g, ' ').trim();
