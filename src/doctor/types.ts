import type { Stack } from '../stack/index.ts';
import type { GpuFacts, GpuSearch } from './gpu/types.ts';

export type { GpuFacts, GpuSearch } from './gpu/types.ts';

export type CheckStatus = 'pass' | 'warn' | 'fail' | 'skipped';

/** Result of one check. Only `fail` blocks a start. */
export interface CheckResult {
  readonly id: string;
  readonly title: string;
  readonly status: CheckStatus;
  /** What was looked at and seen. */
  readonly evidence: string;
  /** What to type or change; null where nothing needs doing. */
  readonly advice: string | null;
}

/** The --json form; `schema` is a contract. */
export interface DoctorReport {
  readonly schema: 'stepctl/doctor/1';
  readonly at: string;
  readonly profile: string;
  /** blocked: a start would fail. */
  readonly verdict: 'ok' | 'warnings' | 'blocked';
  readonly checks: readonly CheckResult[];
  readonly gpus: readonly GpuFacts[];
  /** Profile that `up` would take here when none is named. */
  readonly suggestion: { readonly profile: string; readonly why: string };
}

type Env = Readonly<Record<string, string | undefined>>;

/** What checks look at. Everything that tests replace comes in here; the rest is the real machine. */
export interface CheckContext {
  readonly stack: Stack;
  readonly env: Env;
  /** `process.version` of the running Node. */
  readonly nodeVersion: string;
  /** ms since the epoch: support ends and dated tables are judged against it. */
  readonly now: number;
  /** Deadline of one program that is asked, e.g. nvidia-smi. */
  readonly programMs: number;
  /** Folder that holds proc and sys: `/`, or another one in tests. */
  readonly root: string;
  readonly signal: AbortSignal;
}

/** For checks that wait until the GPUs are known. */
export interface GpuContext extends CheckContext {
  /** Empty without an NVIDIA driver. */
  readonly gpus: readonly GpuFacts[];
  /** How the search ended: says why there are none. */
  readonly search: GpuSearch;
}

interface Named {
  readonly id: string;
  readonly title: string;
}

/** A check that starts at once. */
export interface Check extends Named {
  run(context: CheckContext): Promise<Verdict>;
}

/** A check that starts when the GPUs are known. */
export interface GpuCheck extends Named {
  readonly asksGpus: true;
  run(context: GpuContext): Promise<Verdict>;
}

export type Verdict = Pick<CheckResult, 'status' | 'evidence' | 'advice'>;

export const pass = (evidence: string): Verdict => ({ status: 'pass', evidence, advice: null });
export const skipped = (evidence: string, advice: string | null = null): Verdict => ({
  status: 'skipped',
  evidence,
  advice,
});
export const warn = (evidence: string, advice: string): Verdict => ({ status: 'warn', evidence, advice });
export const fail = (evidence: string, advice: string): Verdict => ({ status: 'fail', evidence, advice });
