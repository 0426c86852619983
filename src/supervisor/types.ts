import type { Endpoint } from '../engine/types.ts';
import type { Diagnosis, StartupPhase } from '../vllm/types.ts';

/** States of facts and design: each has a deadline and names the event that ends it. */
export type EngineState =
  | 'stopped'
  | 'starting'
  | 'ready'
  | 'suspect'
  | 'draining'
  | 'stopping'
  | 'backing-off'
  | 'given-up';

/** What anyone may look at. A snapshot is advice: nothing that changes the engine may be decided on it. */
export interface EngineSnapshot {
  readonly state: EngineState;
  /** Counts starts since the controller came up; 0 before the first. */
  readonly incarnation: number;
  /** ms since the epoch when this state was entered. */
  readonly since: number;
  readonly phase: StartupPhase | null;
  /** 0 to 1 inside the phase where the log tells it. */
  readonly phaseProgress: number | null;
  /** Expected ms until ready, from earlier starts of this instance; null when unknown. */
  readonly readyInMs: number | null;
  /** Set only while `ready` or `suspect`. */
  readonly endpoint: Endpoint | null;
  readonly engineId: string | null;
  /** backing-off: when the next start happens. */
  readonly until: number | null;
  /** given-up and backing-off: why the last engine ended. */
  readonly diagnosis: Diagnosis | null;
  readonly restarts: number;
}

/** The proxy's read-only view of the engine. */
export interface EngineView {
  snapshot(): EngineSnapshot;
  /** Calls back after every change of `snapshot()`; returns the function that ends it. */
  subscribe(listener: (snapshot: EngineSnapshot) => void): () => void;
}
