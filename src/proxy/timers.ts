/** Every time limit of the proxy, in ms, in one place. Upstream answers have none here: a long prefill is legal, the watchdog judges. */
export interface ProxyTimers {
  /** Client: whole header block. Node's own default is 60 s. */
  readonly headersMs: number;
  /** Client: whole request with its body. */
  readonly requestMs: number;
  /** How often Node looks for requests past those two; its default of 30 s would make them meaningless. */
  readonly connectionCheckMs: number;
  /** Client: idle keep-alive. Above the 60 to 75 s of usual load balancers: who closes first must be the client side. */
  readonly keepAliveMs: number;
  readonly maxRequestsPerSocket: number;
  /** Upstream: connection set up. */
  readonly connectMs: number;
  /** Upstream: idle socket. Far below uvicorn's 5 s, else a request meets a socket that is just being closed. */
  readonly upstreamIdleMs: number;
  /** From the forward to the last byte. */
  readonly totalMs: number;
  /** A client that takes no byte for this long is cut off: it holds KV cache. */
  readonly slowReaderMs: number;
  /** A waiting streaming request is answered with 200 and comments after this. */
  readonly commitAfterMs: number;
  /** Silence on an open stream before a comment goes out; nginx gives up after 60 s. */
  readonly heartbeatMs: number;
  /** How often deadlines, heartbeats and slow readers are looked at. */
  readonly sweepMs: number;
  /** No new forward for this long after a connection to the engine failed. */
  readonly refusedHoldMs: number;
  /** The same after the engine itself said that its core is dead; ends sooner with its next incarnation. */
  readonly deadHoldMs: number;
  /** After a crash, the number of requests let through doubles at least this often. */
  readonly rampStepMs: number;
}

export const defaultTimers: ProxyTimers = {
  headersMs: 10_000,
  requestMs: 60_000,
  connectionCheckMs: 1_000,
  keepAliveMs: 75_000,
  maxRequestsPerSocket: 1_000,
  connectMs: 2_000,
  upstreamIdleMs: 2_000,
  totalMs: 3_600_000,
  slowReaderMs: 60_000,
  commitAfterMs: 10_000,
  heartbeatMs: 10_000,
  sweepMs: 500,
  refusedHoldMs: 250,
  deadHoldMs: 30_000,
  rampStepMs: 1_000,
};
