import type { Clock } from '../lib/index.ts';
import type { EngineView } from '../supervisor/types.ts';
import type { KeyStore } from './keys/store.ts';
import type { ProxyPolicy } from './policy.ts';
import type { ShedReason } from './refusal.ts';
import type { RouteName } from './routes.ts';
import type { ProxyTimers } from './timers.ts';

/**
 * How a request ended: complete; refused or shed by the proxy; engine_error (it answered with an error);
 * upstream_lost (it died); client_gone, slow_reader (the client's side); timeout; drained (cut by a stop).
 */
export type EndReason =
  | 'complete'
  | 'refused'
  | 'shed'
  | 'engine_error'
  | 'upstream_lost'
  | 'client_gone'
  | 'slow_reader'
  | 'timeout'
  | 'drained';

/** One line of the access log. Typed fields only: no prompt, no header, no key can get in. */
export interface AccessRecord {
  /** ms since the epoch when the request's head had arrived. */
  readonly at: number;
  readonly requestId: string;
  readonly remote: string;
  /** null when refused before the key was known. */
  readonly keyId: string | null;
  /** null for a target that no route has. */
  readonly route: RouteName | null;
  readonly method: string;
  /** Status sent, 0 when none was. */
  readonly status: number;
  readonly isStream: boolean;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  readonly queueMs: number;
  /** From the head of the request to the first byte of the answer's body. */
  readonly ttftMs: number | null;
  readonly durationMs: number;
  readonly end: EndReason;
  /** Code of the proxy's own answer. */
  readonly code: string | null;
  readonly shed: ShedReason | null;
  readonly readmits: number;
}

/** An open request, for people and for the watchdog. Times are monotonic ms of the proxy's clock. */
export interface OpenRequest {
  readonly id: string;
  readonly keyId: string;
  readonly route: RouteName;
  readonly phase: 'queued' | 'forwarded';
  readonly isStream: boolean;
  readonly bodyBytes: number;
  readonly incarnation: number | null;
  readonly arrivedAtMs: number;
  readonly forwardedAtMs: number | null;
  /** Last byte from the engine; null before the first. */
  readonly lastByteAtMs: number | null;
}

export interface ProxyStats {
  readonly inFlight: number;
  readonly queued: number;
  /** Request bodies in memory. */
  readonly heldBytes: number;
  readonly connections: number;
  readonly isDraining: boolean;
  /** Monotonic ms when this was taken. */
  readonly nowMs: number;
  readonly requests: readonly OpenRequest[];
}

export interface DrainResult {
  /** Requests that were still open at the deadline and were cut. */
  readonly cut: number;
  readonly waitedMs: number;
}

export interface ProxyOptions {
  readonly view: EngineView;
  readonly servedName: string;
  /** Told in /v1/models. */
  readonly maxModelLen?: number | null;
  /** null: no key is asked for, allowed on loopback only. */
  readonly keys: KeyStore | null;
  /** A key in memory with every scope, for the commands of the same user. */
  readonly localKey?: { matches(candidate: string): boolean } | null;
  readonly policy?: Partial<ProxyPolicy>;
  readonly timers?: Partial<ProxyTimers>;
  /** Port 0 takes a free one. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Called once a request that was more than a health probe; must not throw. */
  readonly onAccess?: (record: AccessRecord) => void;
  readonly clock?: Clock;
}

export interface Proxy {
  /** Throws STEP_PROXY_PORT_BUSY (says by whom), STEP_PROXY_LISTEN, STEP_PROXY_OPEN_ADDRESS. */
  start(): Promise<{ host: string; port: number }>;
  /**
   * Refuses newcomers with 503, waits until the open requests have ended, at most `ms` or until `hurry`, then cuts what is
   * left (error event, connection destroyed). Keeps listening: /health/ready says 503 until `close`.
   */
  drain(ms: number, hurry?: AbortSignal): Promise<DrainResult>;
  /** Ends everything at once. Idempotent. */
  close(): Promise<void>;
  stats(): ProxyStats;
  /** The page of GET /metrics. */
  metrics(): Promise<string>;
}
