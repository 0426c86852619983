import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { SimFaults } from './faults.ts';

/** The engine's core is gone: what a request in flight meets. */
export class CoreDead extends Error {
  constructor() {
    super('EngineCore encountered an issue. See stack trace (above) for the root cause.');
    this.name = 'CoreDead';
  }
}

/** Counters behind /metrics. */
export interface CoreCounters {
  running: number;
  promptTokens: number;
  generationTokens: number;
  iterations: number;
  readonly finished: Map<string, number>;
}

export interface SimCore {
  readonly counters: CoreCounters;
  isDead(): boolean;
  /** Ends it as a crash does: every request in flight fails with CoreDead. */
  die(): void;
  /** Ends it as SIGTERM does: requests in flight get nothing more, and no error. */
  halt(): void;
  /** Waits until each token is due and yields its number; throws CoreDead, or ends early when `signal` aborts. */
  steps(count: number, signal: AbortSignal): AsyncGenerator<number>;
}

/** The decoding clock: every request decodes on its own absolute schedule, so lateness does not add up. */
export function createCore(faults: SimFaults, onDeath: () => void): SimCore {
  const death = new AbortController();
  let isHalted = false;
  const counters: CoreCounters = {
    running: 0,
    promptTokens: 0,
    generationTokens: 0,
    iterations: 0,
    finished: new Map(),
  };
  const die = () => {
    if (death.signal.aborted) return;
    death.abort();
    onDeath();
  };
  const isStuck = () =>
    isHalted || (faults.freezeAfterTokens !== null && counters.generationTokens >= faults.freezeAfterTokens);
  const waitUntil = async (dueAt: number, stop: AbortSignal): Promise<void> => {
    const ms = dueAt - performance.now();
    await (ms > 0 ? sleep(ms, undefined, { signal: stop }) : setImmediate(undefined, { signal: stop })).catch(
      () => {},
    );
    while (isStuck() && !stop.aborted) await sleep(1_000, undefined, { signal: stop }).catch(() => {});
  };
  async function* steps(count: number, signal: AbortSignal): AsyncGenerator<number> {
    const stop = AbortSignal.any([signal, death.signal]);
    const start = performance.now();
    counters.running += 1;
    try {
      for (let k = 0; k < count; k += 1) {
        await waitUntil(start + faults.ttftMs + k * faults.itlMs, stop);
        if (death.signal.aborted) throw new CoreDead();
        if (signal.aborted) return;
        counters.generationTokens += 1;
        counters.iterations += 1;
        yield k;
        if (faults.crashAfterTokens !== null && counters.generationTokens >= faults.crashAfterTokens) die();
      }
    } finally {
      counters.running -= 1;
    }
  }
  return {
    counters,
    isDead: () => death.signal.aborted,
    die,
    halt: () => {
      isHalted = true;
    },
    steps,
  };
}
