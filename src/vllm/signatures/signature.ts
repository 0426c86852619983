import type { StartupPhase } from '../types.ts';

/** What is known when an engine has ended. */
export interface EndFacts {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** The kernel or the container runtime says it was killed for memory. */
  readonly oomKilled: boolean;
  /** It had answered before. */
  readonly everReady: boolean;
  /** Release that the log names, e.g. `0.16.0`; null where it does not. */
  readonly version: string | null;
  /** How far the start had come when the line was written. */
  readonly phase: StartupPhase | null;
}

/** When it shows itself: `requests` once it serves. */
export type SignaturePhase = StartupPhase | 'requests' | 'any';

/** `real`: a log of a real engine is in the corpus; else the report that the text was taken from. */
export type SignatureSource = 'real' | `vllm#${number}` | 'report';

export interface Finding {
  readonly cause: string;
  readonly advice: string;
}

/** A known failure pattern. */
export interface Signature {
  readonly id: string;
  /** Fragment of the telling line; matched against single lines, without colour codes. */
  readonly pattern: RegExp;
  /** Log levels below ERROR are not looked at unless this is set: warnings quote errors that never happened. */
  readonly inWarnings?: boolean;
  /** Counts only when no line of a stronger signature is there: it is often a consequence, or harmless. */
  readonly weak?: boolean;
  /** True: stop, the same start fails again. False: try again. */
  readonly deterministic: boolean;
  /** Earliest phase in which it is seen. */
  readonly phase: SignaturePhase;
  /** Where the text is known from. */
  readonly source: SignatureSource;
  readonly describe: (match: RegExpExecArray, facts: EndFacts) => Finding;
}

/** A finding that does not depend on the line. */
export const fixed =
  (cause: string, advice: string): Signature['describe'] =>
  () => ({ cause, advice });
