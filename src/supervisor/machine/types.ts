import type { Endpoint, EngineExit } from '../../engine/index.ts';
import type { Diagnosis, StartupPhase } from '../../vllm/types.ts';
import type { SupervisorPolicy } from '../policy.ts';

export interface EngineRef {
  readonly engineId: string;
  readonly endpoint: Endpoint;
}

/** What somebody asked for. */
export type AskedEnding =
  | { readonly kind: 'stop'; readonly reason: string }
  | { readonly kind: 'restart'; readonly reason: string };

/** Why an engine is being ended; decides what follows once it is gone. */
export type Ending =
  | AskedEnding
  | { readonly kind: 'crash' }
  | { readonly kind: 'refused'; readonly diagnosis: Diagnosis }
  | { readonly kind: 'hung'; readonly diagnosis: Diagnosis };

/** Rungs of the stop ladder. `await-launch`: the driver has not said yet whether there is an engine to stop. */
export type StopStep = 'await-launch' | 'term' | 'abort' | 'kill' | 'remove';

export type State =
  | { readonly name: 'stopped' }
  | {
      readonly name: 'starting';
      /** null until the driver has launched it. */
      readonly engine: EngineRef | null;
      readonly phase: StartupPhase;
      readonly progress: number | null;
      readonly phaseAt: number;
    }
  | { readonly name: 'ready'; readonly engine: EngineRef; readonly readyAt: number }
  | {
      readonly name: 'suspect';
      readonly engine: EngineRef;
      readonly readyAt: number;
      readonly suspectAt: number;
      readonly why: string;
    }
  | {
      readonly name: 'draining';
      readonly engine: EngineRef;
      readonly readyAt: number;
      readonly ending: AskedEnding;
    }
  | {
      readonly name: 'stopping';
      readonly step: StopStep;
      readonly ending: Ending;
      readonly engine: EngineRef | null;
      /** When it became ready; null when it never did. */
      readonly readyAt: number | null;
    }
  | { readonly name: 'backing-off'; readonly diagnosis: Diagnosis }
  | { readonly name: 'given-up'; readonly diagnosis: Diagnosis };

/** The supervisor's whole memory. Times are monotonic ms. */
export interface Machine {
  readonly state: State;
  readonly enteredAt: number;
  /** When the timer of this state fires; null only where a person has to act (stopped, given-up). */
  readonly deadlineAt: number | null;
  /** Token of that timer: one that was armed for an earlier state is ignored. */
  readonly timer: number;
  /** Counts starts; events of an earlier one are ignored. */
  readonly incarnation: number;
  /** True from the order to start until the driver says that nothing is left: no second start meanwhile. */
  readonly hasEngine: boolean;
  /** Starts after a failure. */
  readonly restarts: number;
  readonly failedStarts: number;
  readonly backoffLevel: number;
  readonly deterministic: { readonly signature: string; readonly count: number } | null;
  /** Times of failures, oldest first. */
  readonly crashes: readonly number[];
  readonly policy: SupervisorPolicy;
}

interface OfIncarnation {
  readonly at: number;
  readonly incarnation: number;
}

/** What reaches the queue. `at` is monotonic ms; whatever a decision needs from outside is in the event. */
export type SupervisorEvent =
  | { readonly type: 'start-asked'; readonly at: number }
  | { readonly type: 'stop-asked'; readonly at: number; readonly reason: string }
  | { readonly type: 'restart-asked'; readonly at: number; readonly reason: string }
  | { readonly type: 'timer'; readonly at: number; readonly token: number }
  | (OfIncarnation & { readonly type: 'launched'; readonly engine: EngineRef })
  | (OfIncarnation & Failure & { readonly type: 'launch-failed' })
  | (OfIncarnation & {
      readonly type: 'phase';
      readonly phase: StartupPhase;
      readonly progress: number | null;
    })
  | (OfIncarnation & { readonly type: 'probe-passed' })
  | (OfIncarnation & { readonly type: 'probe-refused'; readonly diagnosis: Diagnosis })
  | (OfIncarnation & { readonly type: 'health'; readonly isHealthy: boolean; readonly why: string })
  | (OfIncarnation & { readonly type: 'drained' })
  | (OfIncarnation & { readonly type: 'exited'; readonly exit: EngineExit })
  | (OfIncarnation & Failure & { readonly type: 'gone' })
  | (OfIncarnation & { readonly type: 'remove-failed'; readonly diagnosis: Diagnosis });

/** What the restart decision needs beside the machine. */
interface Failure {
  readonly diagnosis: Diagnosis;
  /** Number in [0, 1) that spreads the backoff. */
  readonly draw: number;
  /** Usual ms from start to ready; null when unknown. */
  readonly usualLoadMs: number | null;
}

/** What the supervisor does about it; carried out in order. */
export type Effect =
  | { readonly type: 'schedule'; readonly token: number; readonly afterMs: number }
  | { readonly type: 'unschedule' }
  | { readonly type: 'start'; readonly incarnation: number }
  | { readonly type: 'probe'; readonly incarnation: number }
  | { readonly type: 'check-health'; readonly incarnation: number }
  | { readonly type: 'drain'; readonly incarnation: number }
  /** Ends probes, health checks and drains under way. */
  | { readonly type: 'quiesce'; readonly incarnation: number }
  | {
      readonly type: 'signal';
      readonly incarnation: number;
      readonly signal: 'SIGTERM' | 'SIGABRT' | 'SIGKILL';
    }
  | { readonly type: 'destroy'; readonly incarnation: number }
  | { readonly type: 'record'; readonly kind: string; readonly data: Readonly<Record<string, unknown>> };

export type Transition = readonly [Machine, readonly Effect[]];
