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
}

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
  readonly deterministic: boolean;
  readonly describe: (match: RegExpExecArray, facts: EndFacts) => Finding;
}

/** A finding that does not depend on the line. */
export const fixed =
  (cause: string, advice: string): Signature['describe'] =>
  () => ({ cause, advice });
