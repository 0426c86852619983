import { catalogue, type ErrorCode } from './catalogue.ts';

export interface StepErrorParts {
  /** First line: what did not work, naming the file, value or thing. */
  readonly verdict: string;
  /** Second line: why. */
  readonly reason?: string;
  /** Third line: what to type or change next. */
  readonly next?: string;
  /** Machine-readable facts for --json; must hold no secret. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** The one error that stepctl throws on purpose: a stable code, a verdict, a reason, the next command, the cause kept. */
export class StepError extends Error {
  readonly code: ErrorCode;
  readonly verdict: string;
  readonly reason: string | null;
  readonly next: string | null;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, parts: StepErrorParts) {
    super(parts.verdict, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.name = 'StepError';
    this.code = code;
    this.verdict = parts.verdict;
    this.reason = parts.reason ?? null;
    this.next = parts.next ?? null;
    this.details = parts.details ?? {};
  }

  /** Process exit code that this failure stands for (see the README's table). */
  get exitCode(): number {
    return catalogue[this.code].exit;
  }

  toJSON(): Record<string, unknown> {
    return {
      code: this.code,
      verdict: this.verdict,
      reason: this.reason,
      next: this.next,
      details: this.details,
    };
  }
}

/** Makes a StepError of anything thrown; an unknown failure becomes STEP_INTERNAL with its cause kept. */
export function toStepError(thrown: unknown): StepError {
  if (thrown instanceof StepError) return thrown;
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return new StepError('STEP_INTERNAL', {
    verdict: 'stepctl met a failure it has no name for',
    reason,
    next: 'run the command again with STEPCTL_DEBUG=1 to see where it came from',
    cause: thrown,
  });
}
