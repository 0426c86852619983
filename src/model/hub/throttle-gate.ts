import type { Clock, Reporter } from '../../lib/index.ts';

/**
 * One gate for every request to a hub: after a 429 nobody asks again until the hub's window is over, because a
 * request inside it only prolongs the wait of all. Shows the countdown.
 */
export interface ThrottleGate {
  /** Closes the gate for `ms` from now (the later end wins). */
  close(ms: number): void;
  /** Resolves when the gate is open; rejects when `signal` aborts. */
  pass(signal: AbortSignal): Promise<void>;
}

/** When the gate of one hub opens again, in monotonic ms. The hub counts requests of an address, not of a pull. */
export interface GateState {
  opensAtMs: number;
}

const states = new Map<string, GateState>();

/** The one state that all pulls of this process share for a hub. */
export function gateStateFor(endpoint: string): GateState {
  const { origin } = new URL(endpoint);
  const state = states.get(origin) ?? { opensAtMs: 0 };
  states.set(origin, state);
  return state;
}

/** Makes a view of a gate for one pull, which is told of pauses through its own reporter. */
export function createThrottleGate(
  clock: Clock,
  reporter: Reporter,
  state: GateState = { opensAtMs: 0 },
): ThrottleGate {
  let announcedMs = 0;
  const announce = (): void => {
    if (state.opensAtMs - announcedMs < 1000) return;
    announcedMs = state.opensAtMs;
    const seconds = Math.ceil((state.opensAtMs - clock.monotonicMs()) / 1000);
    reporter.stage('throttled', `the hub asks for a pause (429): going on in ${seconds} s`);
  };
  return {
    close: (ms) => {
      state.opensAtMs = Math.max(state.opensAtMs, clock.monotonicMs() + ms);
      announce();
    },
    pass: async (signal) => {
      for (;;) {
        const leftMs = state.opensAtMs - clock.monotonicMs();
        if (leftMs <= 0) return;
        announce();
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
