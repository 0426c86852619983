/** What the front door allows. Sizes in bytes, times in ms; every bound has a value, none is "unlimited". */
export interface ProxyPolicy {
  /** Requests that may wait for the engine. */
  readonly maxQueue: number;
  /** Bodies held in memory: being read, waiting, in flight. */
  readonly maxHeldBytes: number;
  readonly queueTimeoutMs: number;
  /** Requests forwarded at once. */
  readonly maxInFlight: number;
  readonly maxBodyBytes: number;
  /** Sends a request once more when the engine died before the client got any of the answer. */
  readonly isReadmitting: boolean;
  /** Answers 200 to a streaming request that waits long, so that middle boxes see comments instead of silence. */
  readonly isCommittingEarly: boolean;
  /** A field that no route knows: 400 naming it, or left out of what is forwarded and counted. */
  readonly unknownFields: 'refuse' | 'drop';
  /** Pictures and the like: refused, or accepted as data: URLs only; never fetched by the engine. */
  readonly media: 'none' | 'data';
  /** Names accepted inside `chat_template_kwargs`. */
  readonly templateKwargs: readonly string[];
  /** Scopes of everyone where no key is asked for. */
  readonly openScopes: readonly string[];
  /** null: no limit. */
  readonly requestsPerMinutePerKey: number | null;
  readonly concurrentPerKey: number | null;
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  /** Bounds on fields of a request body. */
  readonly bounds: BodyBounds;
}

export interface BodyBounds {
  readonly n: number;
  readonly maxTokens: number;
  /** Largest `min_tokens` of a request that names no `max_tokens`. */
  readonly minTokensAlone: number;
  readonly promptList: number;
  readonly messages: number;
  readonly tools: number;
  readonly stops: number;
  readonly stopChars: number;
  readonly logprobs: number;
  readonly depth: number;
  readonly patternChars: number;
  readonly logitBias: number;
}

export const defaultPolicy: ProxyPolicy = {
  maxQueue: 256,
  maxHeldBytes: 128 * 1024 * 1024,
  queueTimeoutMs: 300_000,
  maxInFlight: 256,
  maxBodyBytes: 4 * 1024 * 1024,
  isReadmitting: true,
  isCommittingEarly: true,
  unknownFields: 'refuse',
  media: 'none',
  templateKwargs: ['enable_thinking', 'thinking', 'reasoning_effort'],
  openScopes: ['chat', 'metrics'],
  requestsPerMinutePerKey: null,
  concurrentPerKey: null,
  maxConnections: 1_024,
  maxConnectionsPerAddress: 1_024,
  bounds: {
    n: 8,
    maxTokens: 1_048_576,
    minTokensAlone: 4_096,
    promptList: 32,
    messages: 4_096,
    tools: 128,
    stops: 16,
    stopChars: 1_024,
    logprobs: 20,
    depth: 64,
    patternChars: 4_096,
    logitBias: 1_024,
  },
};
