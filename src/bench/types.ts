import type { Endpoint } from '../engine/types.ts';
import type { Distribution } from './statistics/distribution.ts';

export type ScenarioName = 'quick' | 'decode' | 'concurrency';

export interface BenchOptions {
  /** The front door, with or without `/v1`; null when `endpoint` is given. */
  readonly baseUrl: string | null;
  /** An engine's own endpoint (TCP or unix socket): measures past the proxy. */
  readonly endpoint?: Endpoint | null;
  readonly apiKey: string | null;
  readonly model: string;
  readonly scenario: ScenarioName;
  /** Prompt length aimed at, in tokens of the server's own counting; null takes the scenario's. */
  readonly inputTokens?: number | null;
  readonly outputTokens?: number | null;
  /** Streams at once, one level each; null takes the scenario's. */
  readonly concurrency?: readonly number[] | null;
  /** At least one full round (`concurrency` requests) is sent at each level. null takes the scenario's. */
  readonly requestsPerLevel?: number | null;
  readonly seed: number;
  /** Budget of the whole run, s; what is in flight then is cut and the result is partial. 0 has none. */
  readonly maxSeconds: number;
  /** Deadline of one request, ms. */
  readonly requestTimeoutMs?: number;
  /** The engine's `/metrics` page, where the caller can reach it: gives the measured cache hit rate and token cross-check. */
  readonly readMetrics?: (() => Promise<string>) | null;
  /** Further fields of every request body, for instance `chat_template_kwargs`. */
  readonly extraBody?: Readonly<Record<string, unknown>>;
  /** Goes into the fingerprint. */
  readonly stepctlVersion?: string;
}

export type RequestStatus = 'ok' | 'error' | 'cut';

/** How many tokens each chunk held: counted by the server in every chunk, or spread over the chunks from the total. */
export type TokenSource = 'continuous_usage' | 'chunk';

export interface RequestError {
  readonly kind: 'unreachable' | 'refused' | 'broken' | 'timed-out' | 'in-stream' | 'truncated' | 'empty';
  readonly status: number | null;
  readonly message: string;
  readonly body: string | null;
  readonly requestId: string | null;
}

/** Tokens that one socket read brought. */
export interface TokenGroup {
  /** Monotonic ms. */
  readonly at: number;
  readonly tokens: number;
}

/** One request, measured. Times are ms; the definitions are in definitions.ts. */
export interface RequestRecord {
  readonly index: number;
  readonly status: RequestStatus;
  readonly error: RequestError | null;
  /** Monotonic ms: last request byte handed to the socket; null when it never was. */
  readonly sentAt: number | null;
  readonly endedAt: number;
  readonly ttfr: number | null;
  readonly ttft: number | null;
  readonly ttfo: number | null;
  readonly ttftVllm: number | null;
  readonly tpot: number | null;
  readonly tpotVllm: number | null;
  readonly e2e: number | null;
  readonly e2eDone: number | null;
  readonly groups: readonly TokenGroup[];
  readonly tokenSource: TokenSource;
  readonly promptTokens: number | null;
  readonly cachedTokens: number | null;
  readonly outputTokens: number | null;
  readonly reasoningTokens: number | null;
  readonly finishReason: string | null;
  readonly events: number;
  /** Events that shared their socket read with an earlier one. */
  readonly eventsInSharedReads: number;
}

export interface ErrorCount extends RequestError {
  readonly count: number;
}

export interface LevelResult {
  readonly concurrency: number;
  readonly requests: {
    readonly sent: number;
    readonly ok: number;
    readonly failed: number;
    readonly cut: number;
  };
  readonly wallMs: number;
  readonly outputTokens: number;
  readonly promptTokens: number;
  /** All rates are per second; null where there is nothing to divide. */
  readonly throughput: {
    readonly outputTokens: number | null;
    readonly totalTokens: number | null;
    readonly requests: number | null;
    /** While all streams ran: from the first moment at full concurrency to the last. */
    readonly steadyOutputTokens: number | null;
    readonly steadyMs: number | null;
    /** Best second: tokens in the fullest sliding window of 1 s. */
    readonly peakOutputTokens: number | null;
  };
  /** 1 / median TPOT. */
  readonly decodePerUser: number | null;
  readonly ttfr: Distribution;
  readonly ttft: Distribution;
  readonly ttfo: Distribution;
  readonly itl: Distribution;
  readonly tpot: Distribution;
  readonly e2e: Distribution;
  readonly e2eDone: Distribution;
  readonly ttftVllm: Distribution;
  readonly tpotVllm: Distribution;
  readonly itlSource: TokenSource | 'mixed';
  readonly outputLength: {
    readonly asked: number;
    readonly met: number;
    readonly distribution: Distribution;
  };
  readonly inputLength: Distribution;
  readonly sharedReadShare: number | null;
  readonly tokensPerGroup: number | null;
  readonly cache: { readonly cachedTokens: number | null; readonly hitRate: number | null };
  /** Server's own generation counter over the level, for the cross-check; null when it cannot be read. */
  readonly serverOutputTokens: number | null;
  readonly client: ClientLoad;
  readonly errors: readonly ErrorCount[];
}

/** How busy the measuring process itself was. */
export interface LoopLoad {
  /** Share of the time the event loop was not idle, 0 to 1. */
  readonly loopUtilisation: number;
  readonly loopDelayP99Ms: number;
  /** CPU time of this process / wall time. */
  readonly cpuShare: number;
}

export interface ClientLoad extends LoopLoad {
  /** The client, not the server, may have set the figures. */
  readonly isBound: boolean;
}

export interface RefusedField {
  readonly field: string;
  readonly status: number;
  readonly message: string;
}

export interface Fingerprint {
  readonly target: string;
  readonly model: string;
  readonly engineVersion: string | null;
  readonly stepctlVersion: string | null;
  readonly node: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryBytes: number;
    readonly platform: string;
  };
}

/** measured: trust it. client-bound: this machine, not the server, set some figure. partial: cut short. nothing: no request succeeded. */
export type BenchVerdict = 'measured' | 'client-bound' | 'partial' | 'nothing';

export interface BenchResult {
  readonly schema: 'stepctl/bench/1';
  readonly startedAt: string;
  readonly verdict: BenchVerdict;
  /** Everything a reader must know before quoting a figure. */
  readonly notes: readonly string[];
  readonly stopped: 'interrupted' | 'max-seconds' | null;
  readonly scenario: {
    readonly name: ScenarioName;
    readonly concurrency: readonly number[];
    readonly inputTokens: number;
    readonly outputTokens: number;
    readonly requestsPerLevel: number;
    readonly seed: number;
    readonly maxSeconds: number;
  };
  readonly fingerprint: Fingerprint;
  readonly fields: { readonly sent: readonly string[]; readonly refused: readonly RefusedField[] };
  readonly warmUp: {
    readonly requests: number;
    readonly isStable: boolean;
    readonly tpotMs: readonly (number | null)[];
  };
  readonly levels: readonly LevelResult[];
  /** Formulas of every figure, so that a stored result explains itself. */
  readonly definitions: Readonly<Record<string, string>>;
}
