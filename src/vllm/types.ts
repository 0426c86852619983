/** Startup phases in the order in which vLLM goes through them. */
export type StartupPhase =
  | 'launch'
  | 'imports'
  | 'config'
  | 'distributed'
  | 'backends'
  | 'weights'
  | 'compile'
  | 'kv-cache'
  | 'graphs'
  | 'server'
  | 'canary';

/** Cause of a failed engine as far as its log and end tell. */
export interface Diagnosis {
  /** Stable id of the signature, e.g. `port-in-use`, `unknown-flag`; `unknown` where nothing matched. */
  readonly signature: string;
  /** One sentence: what went wrong. */
  readonly cause: string;
  /** Log lines that show it, root cause first. */
  readonly evidence: readonly string[];
  /** What to change or type. */
  readonly advice: string;
  /** True when the same start will fail again: the supervisor stops instead of trying. */
  readonly deterministic: boolean;
  /** True when not even a second start is worth it: what failed is the build, not this start. */
  readonly isFinal?: boolean;
}

/** A vLLM intent of the stack, compiled for one release. */
export interface CompiledItem {
  readonly kind: 'flag' | 'env';
  /** `--tensor-parallel-size` or `VLLM_USE_FLASHINFER_MOE_FP4`. */
  readonly name: string;
  /** null for a switch without value. */
  readonly value: string | null;
  /** Stack key or rule that asked for it, e.g. `serve.moeBackend: no-flashinfer`. */
  readonly because: string;
}

export interface CompiledServe {
  /** As asked for. */
  readonly version: string;
  /** Release of the table that it was compiled for. */
  readonly compiledAs: string;
  readonly items: readonly CompiledItem[];
  /** Asked for, not emitted, and why (default by now, no effect any more). */
  readonly dropped: readonly { readonly name: string; readonly because: string }[];
  /** `['serve', MODEL, '--flag', 'value', …, extra args]` */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
}
