import type { Admission } from './admission/admission.ts';
import type { Exchange } from './exchange.ts';
import type { Flow } from './forward/flow.ts';
import type { Ledger } from './ledger.ts';
import type { ProxyPolicy } from './policy.ts';
import { refusal } from './refusal.ts';
import { commitStream, writeStream } from './respond.ts';
import type { ProxyTimers } from './timers.ts';

export interface SweepDeps {
  readonly ledger: Ledger;
  readonly admission: Admission;
  readonly flow: Flow;
  readonly policy: Pick<ProxyPolicy, 'isCommittingEarly'>;
  readonly timers: ProxyTimers;
}

export type SweepAction = 'none' | 'slow-reader' | 'timeout' | 'commit' | 'heartbeat';

export type SweepFacts = Pick<
  Exchange,
  | 'isStream'
  | 'isCommitted'
  | 'isAtBoundary'
  | 'arrivedAtMs'
  | 'forwardedAtMs'
  | 'lastWriteAtMs'
  | 'blockedSinceMs'
>;

/** What is due for one open request. Pure. */
export function decideSweep(
  facts: SweepFacts,
  timers: ProxyTimers,
  isCommittingEarly: boolean,
  nowMs: number,
): SweepAction {
  if (facts.blockedSinceMs !== null)
    return nowMs - facts.blockedSinceMs > timers.slowReaderMs ? 'slow-reader' : 'none';
  if (facts.forwardedAtMs !== null && nowMs - facts.forwardedAtMs > timers.totalMs) return 'timeout';
  if (!facts.isStream || !facts.isAtBoundary) return 'none';
  if (facts.isCommitted) return nowMs - facts.lastWriteAtMs > timers.heartbeatMs ? 'heartbeat' : 'none';
  return isCommittingEarly && nowMs - facts.arrivedAtMs > timers.commitAfterMs ? 'commit' : 'none';
}

const timedOut = refusal({
  status: 504,
  code: 'timeout',
  message: 'the request took longer than this proxy allows',
});

/** One pass over all open requests: one timer for all, instead of several for each. */
export function sweep(deps: SweepDeps, nowMs: number): void {
  deps.admission.sweep();
  for (const exchange of deps.ledger.entries()) act(deps, exchange, nowMs);
  for (const exchange of deps.ledger.stuck(nowMs, deps.timers.slowReaderMs)) exchange.response.destroy();
}

function act(deps: SweepDeps, exchange: Exchange, nowMs: number): void {
  // The request may still be arriving, or have ended earlier in this pass.
  if (exchange.phase !== 'queued' && exchange.phase !== 'forwarded') return;
  switch (decideSweep(exchange, deps.timers, deps.policy.isCommittingEarly, nowMs)) {
    case 'slow-reader':
      return deps.flow.cut(exchange, 'slow_reader', null);
    case 'timeout':
      return deps.flow.cut(exchange, 'timeout', timedOut);
    case 'commit':
      commitStream(exchange, deps.admission.isDraining);
      return beat(exchange, nowMs);
    case 'heartbeat':
      return beat(exchange, nowMs);
    case 'none':
  }
}

/** A comment: every reader of event streams skips it. */
function beat(exchange: Exchange, nowMs: number): void {
  const text = exchange.phase === 'queued' ? ': waiting for the engine\n\n' : ': the engine is working\n\n';
  if (!writeStream(exchange, text, nowMs)) exchange.blockedSinceMs ??= nowMs;
  if (exchange.blockedSinceMs !== null)
    exchange.response.once('drain', () => (exchange.blockedSinceMs = null));
}
