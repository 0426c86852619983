import type { Stack } from '../stack/index.ts';

/** One GPU as nvidia-smi reports it. */
export interface GpuFacts {
  readonly index: number;
  readonly uuid: string;
  readonly name: string;
  readonly memoryBytes: number;
  /** `12.0` for sm_120; null where the driver does not tell. */
  readonly computeCapability: string | null;
  readonly driver: string;
}

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
  /** Empty without an NVIDIA driver. */
  readonly gpus: readonly GpuFacts[];
  /** `process.version` of the running Node. */
  readonly nodeVersion: string;
  readonly signal: AbortSignal;
}

export interface Check {
  readonly id: string;
  readonly title: string;
  run(context: CheckContext): Promise<Verdict>;
}

export type Verdict = Pick<CheckResult, 'status' | 'evidence' | 'advice'>;

export const pass = (evidence: string): Verdict => ({ status: 'pass', evidence, advice: null });
export const skipped = (evidence: string): Verdict => ({ status: 'skipped', evidence, advice: null });
export const warn = (evidence: string, advice: string): Verdict => ({ status: 'warn', evidence, advice });
export const fail = (evidence: string, advice: string): Verdict => ({ status: 'fail', evidence, advice });
