/** Every number of the supervisor, in ms unless it says otherwise. The stack file sets the first ones. */
export interface SupervisorPolicy {
  /** A start that takes longer is a failed start. */
  readonly startTimeoutMs: number;
  /** From SIGTERM to SIGKILL of a wanted stop. */
  readonly stopGraceMs: number;
  /** First wait after a failure; doubles with each further one. */
  readonly backoffFirstMs: number;
  readonly backoffMaxMs: number;
  /** Starts in a row that never got ready before giving up. */
  readonly maxFailedStarts: number;
  /** Failures in a row with one deterministic signature before giving up. */
  readonly maxDeterministicFailures: number;
  /** Failures of any kind inside the crash window before giving up. */
  readonly maxCrashes: number;
  /** Smallest crash window; it grows to maxCrashes × (load time + backoffMaxMs), or slow loads would never trip it. */
  readonly crashWindowMs: number;
  /** Ready for this long, and the next restart is immediate and the doubling begins anew. */
  readonly stableAfterMs: number;
  /** How long a stop waits for requests in flight; 0 does not wait. */
  readonly drainMs: number;
  /** From SIGABRT, which makes every process print its stacks, to SIGKILL. */
  readonly abortGraceMs: number;
  /** From SIGKILL to removing the engine without having seen it end. */
  readonly killGraceMs: number;
  /** The removal of an engine must end within this. */
  readonly removeTimeoutMs: number;
  /** A stop waits this long for a launch under way to say whether there is an engine. */
  readonly launchGraceMs: number;
  readonly healthIntervalMs: number;
  readonly healthTimeoutMs: number;
  /** Unhealthy for this long and still alive: hung. vLLM ends by itself 3 to 5 s after /health turned 503. */
  readonly suspectTimeoutMs: number;
  /** Between looks at a starting engine; ready is seen at most this much late. */
  readonly probeIntervalMs: number;
  /** For one generated answer of the readiness probe; a first request was seen to take 17 s on a cold engine. */
  readonly probeTimeoutMs: number;
  /** From the first generated answer until every process must have spoken: their lines come through a pipe. */
  readonly proofGraceMs: number;
}

const minute = 60_000;

export const defaultPolicy: SupervisorPolicy = {
  startTimeoutMs: 20 * minute,
  stopGraceMs: 30_000,
  backoffFirstMs: 5_000,
  backoffMaxMs: 5 * minute,
  maxFailedStarts: 3,
  maxDeterministicFailures: 2,
  maxCrashes: 5,
  crashWindowMs: 60 * minute,
  stableAfterMs: 10 * minute,
  drainMs: 0,
  abortGraceMs: 5_000,
  killGraceMs: 5_000,
  removeTimeoutMs: 60_000,
  launchGraceMs: 2 * minute,
  healthIntervalMs: 2_000,
  healthTimeoutMs: 5_000,
  suspectTimeoutMs: 15_000,
  probeIntervalMs: 100,
  probeTimeoutMs: 2 * minute,
  proofGraceMs: 10_000,
};
