import type { Clock, Reporter } from '../../lib/index.ts';
import type { Patch, Series } from '../../patch/index.ts';
import type { PackageName } from '../proof.ts';

/** One request for an environment, with everything looked up that does not depend on the Python. */
export interface Work {
  readonly package: PackageName;
  readonly vllm: string;
  readonly emulation: boolean;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  readonly by: string;
  readonly series: Series;
  /** Patches asked for, the emulation's plugins among them. */
  readonly ids: readonly string[];
  readonly wanted: readonly Patch[];
  /** Folder of all environments. */
  readonly root: string;
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly time: Clock;
}
