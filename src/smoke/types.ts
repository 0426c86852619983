import type { Endpoint } from '../engine/types.ts';
import type { CheckpointScript } from '../lib/index.ts';

export interface SmokeOptions {
  /** The front door, with or without `/v1`; null when `endpoint` is given. */
  readonly baseUrl: string | null;
  /** An engine's own endpoint: the checks of the front door are skipped then. */
  readonly endpoint?: Endpoint | null;
  /** null when the door is open; the key checks are skipped then. */
  readonly apiKey: string | null;
  readonly model: string;
  /** Known truth of a scripted checkpoint; null for an ordinary model. */
  readonly script: CheckpointScript | null;
  /** Requests that the engine (or the proxy) has in work right now; without it the abort check is skipped. */
  readonly running?: (() => Promise<number>) | null;
  readonly features: { readonly reasoning: boolean; readonly tools: boolean };
  /** False when `baseUrl` is an engine without stepctl's front door before it. True unless told. */
  readonly isFrontDoor?: boolean;
  /** Deadline of one request, ms; 120,000 unless told. */
  readonly requestTimeoutMs?: number;
  /** How long an aborted request may stay in work, ms; 10,000 unless told. */
  readonly abortDeadlineMs?: number;
}

export type CheckStatus = 'pass' | 'fail' | 'skipped';

export interface CheckResult {
  readonly id: string;
  /** What a pass proves, one sentence. */
  readonly proves: string;
  readonly status: CheckStatus;
  /** Why it failed or was skipped; null for a pass. */
  readonly reason: string | null;
  /** What was seen, in a few lines; never a key. */
  readonly evidence: readonly string[];
  readonly ms: number;
}

export interface SmokeResult {
  readonly schema: 'stepctl/smoke/1';
  readonly startedAt: string;
  readonly target: string;
  readonly model: string;
  /** pass: nothing failed, something passed. inconclusive: nothing failed and nothing passed, or it was interrupted. */
  readonly verdict: 'pass' | 'fail' | 'inconclusive';
  readonly isInterrupted: boolean;
  readonly counts: { readonly pass: number; readonly fail: number; readonly skipped: number };
  readonly ms: number;
  readonly checks: readonly CheckResult[];
}
