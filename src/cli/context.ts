import type { Reporter } from '../lib/index.ts';
import type { Output } from './output.ts';

/** All that a command may touch of the process; made once in run.ts, the composition root. */
export interface Context {
  readonly out: Output;
  readonly reporter: Reporter;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** This very command line, program file first: what `up -d` starts again as the controller. */
  readonly self: readonly string[];
  readonly json: boolean;
  readonly instance: string;
  /** Aborted by the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  /** Aborted by the second one: stop waiting for anybody. */
  readonly hurry: AbortSignal;
}

/** Options as commander hands them over, by camel-case name. */
export type Options = Readonly<Record<string, unknown>>;

export interface OptionSpec {
  readonly flags: string;
  readonly description: string;
  readonly default?: string | boolean;
  /** Repeatable: values gather in a list. */
  readonly many?: boolean;
  readonly hidden?: boolean;
}

/** A command as data: what help prints, and the handler that loads its own rooms. */
export interface CommandSpec {
  /** Words after `stepctl`, e.g. `patch apply`. */
  readonly name: string;
  readonly summary: string;
  readonly args?: readonly { readonly name: string; readonly description: string }[];
  readonly options?: readonly OptionSpec[];
  readonly examples: readonly string[];
  /** Reads a stack: gets --profile, -f, --set and the shortcuts. */
  readonly readsStack?: boolean;
  /** Everything after `--` goes to `vllm serve`. */
  readonly passesThrough?: boolean;
  /** With --json, says what happens as NDJSON events on stdout; others keep stdout for their one report. */
  readonly streams?: boolean;
  /** Returns the exit code; 0 when nothing is returned. */
  readonly run: (
    context: Context,
    args: readonly string[],
    options: Options,
    extra: readonly string[],
  ) => Promise<number | void>;
}
