import type { CheckpointScript } from '../../lib/index.ts';

/** What a right load of this model must answer, and what to say where it does not. */
export interface ReadinessOptions {
  /** Known truth of a scripted checkpoint; null for an ordinary model, whose answer is only checked for being one. */
  readonly expect: CheckpointScript | null;
  /** What a wrong answer most likely comes from, e.g. a patch that is not in this build; null when nothing is known. */
  readonly wrongAnswerHint: string | null;
}

export interface ReadinessPassed {
  readonly ok: true;
  /** What it said, cut to 200 characters. */
  readonly text: string;
  /** ms for the generated answer. */
  readonly answerMs: number;
}

export interface ReadinessFailed {
  readonly ok: false;
  /** True: not yet, or perhaps not again; false: this engine will never be right. */
  readonly retry: boolean;
  readonly signature: string;
  readonly reason: string;
  readonly advice: string;
}

export type ReadinessResult = ReadinessPassed | ReadinessFailed;
