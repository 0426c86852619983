import type { Stack } from '../../stack/index.ts';
import type { ResolvedRelease } from '../releases.ts';
import type { ReleaseFacts } from '../table/schema.ts';
import type { CompiledItem } from '../types.ts';

/** What one rule sees. */
export interface CompileContext {
  readonly stack: Stack;
  readonly release: ResolvedRelease;
  /** Known release whose rows are used; differs from `stack.engine.vllm` where that one is unknown. */
  readonly version: string;
  /** What that release knows. */
  readonly facts: ReleaseFacts;
  readonly isCpu: boolean;
}

/** What one rule says. */
export interface Outcome {
  readonly items?: readonly CompiledItem[];
  readonly dropped?: readonly { readonly name: string; readonly because: string }[];
  readonly warnings?: readonly string[];
}

export type Rule = (context: CompileContext) => Outcome;

export const flag = (name: string, value: string | number | null, because: string): CompiledItem => ({
  kind: 'flag',
  name,
  value: value === null ? null : String(value),
  because,
});

export const variable = (name: string, value: string | number, because: string): CompiledItem => ({
  kind: 'env',
  name,
  value: String(value),
  because,
});
