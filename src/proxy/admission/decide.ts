import type { EngineSnapshot, EngineState } from '../../supervisor/types.ts';
import type { ShedReason } from '../refusal.ts';

export interface AdmissionFacts {
  readonly state: EngineState;
  readonly hasEndpoint: boolean;
  readonly readyInMs: number | null;
  readonly isDraining: boolean;
  /** The proxy knows better than the snapshot: a forward to this incarnation failed a moment ago. */
  readonly isHeld: boolean;
  readonly inFlight: number;
  /** Forwards allowed at once now; below the policy's maximum after a crash. */
  readonly window: number;
  readonly queued: number;
  readonly maxQueue: number;
  /** A full queue has somebody who holds more than a fair share of it. */
  readonly hasVictim: boolean;
  /** ms until this request's deadline. */
  readonly remainingMs: number;
}

export type AdmissionDecision =
  | { readonly kind: 'forward' }
  | { readonly kind: 'wait'; readonly evicts: boolean }
  | { readonly kind: 'shed'; readonly reason: ShedReason };

/** Nothing is forwarded in any other state. */
export const isServing = (state: EngineState, hasEndpoint: boolean): boolean =>
  hasEndpoint && (state === 'ready' || state === 'suspect');

const shed = (reason: ShedReason): AdmissionDecision => ({ kind: 'shed', reason });

/** What happens to a request that has passed all checks. Pure; the snapshot it comes from is advice, so a forward may still fail. */
export function decideAdmission(facts: AdmissionFacts): AdmissionDecision {
  if (facts.isDraining) return shed('draining');
  if (facts.state === 'given-up') return shed('engine_unavailable');
  const canServe = isServing(facts.state, facts.hasEndpoint) && !facts.isHeld;
  // Those that wait go first: a newcomer never overtakes.
  if (canServe && facts.inFlight < facts.window && facts.queued === 0) return { kind: 'forward' };
  if (!canServe && facts.readyInMs !== null && facts.readyInMs > facts.remainingMs) return shed('eta');
  if (facts.queued < facts.maxQueue) return { kind: 'wait', evicts: false };
  return facts.maxQueue > 0 && facts.hasVictim ? { kind: 'wait', evicts: true } : shed('queue_full');
}

export interface RampFacts {
  readonly maxInFlight: number;
  /** Requests that came to a good end in this incarnation. */
  readonly completed: number;
  /** ms since the proxy first saw it ready. */
  readonly readyForMs: number;
  readonly rampStepMs: number;
  /** An engine died under requests before: the one that killed it may be among those that wait. */
  readonly isAfterCrash: boolean;
}

/** Half-open done gently: after a crash one request goes first, then the window doubles by time and grows with each good end. */
export function rampWindow(facts: RampFacts): number {
  if (!facts.isAfterCrash) return facts.maxInFlight;
  const doublings = Math.min(30, Math.floor(facts.readyForMs / facts.rampStepMs));
  return Math.min(facts.maxInFlight, 2 ** doublings + facts.completed * 2);
}

/** What a refused client is told to wait; the engine's own estimate where there is one. */
export const waitHintMs = (snapshot: Pick<EngineSnapshot, 'readyInMs'>): number =>
  snapshot.readyInMs ?? 15_000;
