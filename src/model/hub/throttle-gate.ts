import type { Clock, Reporter } from '../../lib/index.ts';

/**
 * One gate for every request of a pull: after a 429 nobody asks again until the hub's window is over, because a
 * request inside it only prolongs the wait of all. Shows the countdown.
 */
export interface ThrottleGate {
  /** Closes the gate for `ms` from now (the later end wins). */
  close(ms: number): void;
  /** Resolves when the gate is open; rejects when `signal` aborts. */
  pass(signal: AbortSignal): Promise<void>;
}

/** Makes an open gate. */
export function createThrottleGate(clock: Clock, reporter: Reporter): ThrottleGate {
  let opensAtMs = 0;
  let announcedMs = 0;
  return {
    close: (ms) => {
      opensAtMs = Math.max(opensAtMs, clock.monotonicMs() + ms);
      if (opensAtMs - announcedMs < 1000) return;
      announcedMs = opensAtMs;
      reporter.stage('throttled', `the hub asks for a pause (429): going on in ${Math.ceil(ms / 1000)} s`);
    },
    pass: async (signal) => {
      for (;;) {
        const leftMs = opensAtMs - clock.monotonicMs();
        if (leftMs <= 0) return;
        const note = `throttled by the hub, ${Math.ceil(leftMs / 1000)} s left`;
        reporter.progress({
          stage: 'throttled',
          done: 0,
          total: null,
          unit: 'items',
          rate: null,
          etaMs: leftMs,
          note,
        });
        await clock.sleep(Math.min(leftMs, 1000), signal);
      }
    },
  };
}
