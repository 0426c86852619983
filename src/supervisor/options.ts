import type { EngineDriver, EngineSpec } from '../engine/index.ts';
import type { Clock } from '../lib/index.ts';
import type { Diagnosis, StartupPhase } from '../vllm/types.ts';
import type { SupervisorPolicy } from './policy.ts';
import type { ReadinessOptions } from './readiness/types.ts';

/** How an engine ended, as the diagnosis needs it. */
export interface EndFacts {
  readonly lines: readonly string[];
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly oomKilled: boolean;
  readonly everReady: boolean;
}

/** One line of events.jsonl. */
export interface SupervisorRecord {
  /** ms since the epoch. */
  readonly at: number;
  /** start, launched, phase, ready, suspect, healthy-again, refused, draining, stopping, exited, stopped, backing-off, given-up, leftovers, … */
  readonly kind: string;
  readonly [field: string]: unknown;
}

/** What the engine's own processes say of themselves; gathered and judged elsewhere. */
export interface EngineProof {
  /** Another engine starts: what its predecessor said no longer counts. */
  begin(): void;
  /** True when this line of the log belongs to the proof. */
  line(text: string): boolean;
  /** Proven, not yet, or why this engine must not serve. With `isFinal` silence is a failure too. */
  verdict(isFinal: boolean): 'proven' | 'pending' | Diagnosis;
}

export interface SupervisorOptions {
  readonly driver: EngineDriver;
  readonly spec: EngineSpec;
  /** Model name that /v1/models must list. */
  readonly servedName: string;
  readonly readiness: ReadinessOptions;
  readonly diagnose: (facts: EndFacts) => Diagnosis;
  readonly recognisePhase: (
    line: string,
  ) => { readonly phase: StartupPhase; readonly progress: number | null } | null;
  /** Must say yes before an engine is ready, and ends it when it says no later. Absent: nothing was built here. */
  readonly proof?: EngineProof;
  readonly policy: SupervisorPolicy;
  /** Holds start-N.log; events.jsonl and starts.json go to the spec's stateDir. */
  readonly logDir: string;
  readonly clock: Clock;
  readonly onEvent?: (record: SupervisorRecord) => void;
  /**
   * Lets requests in flight finish when the engine is to be stopped or restarted; resolves when none is left. The
   * policy's drainMs bounds it. Absent: nothing waits.
   */
  readonly drain?: (signal: AbortSignal) => Promise<void>;
  /** In [0, 1): spreads the backoff. */
  readonly jitter?: () => number;
}
