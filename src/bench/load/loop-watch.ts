import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { ClientLoad } from '../types.ts';

const resolutionMs = 5;
/** Above these the stamps say more about this process than about the server (measured: see the accuracy bench). */
export const loopUtilisationLimit = 0.7;
export const loopDelayLimitMs = 5;

export interface LoopWatch {
  stop(): ClientLoad;
}

/** Watches the event loop of this process while a level runs. */
export function watchLoop(): LoopWatch {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  const loopBefore = performance.eventLoopUtilization();
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  delay.enable();
  return {
    stop: () => {
      delay.disable();
      const wallMs = Math.max(1, performance.now() - startedAt);
      const cpu = process.cpuUsage(cpuBefore);
      return judgeClient({
        loopUtilisation: performance.eventLoopUtilization(loopBefore).utilization,
        // The histogram holds whole timer intervals: what is beyond the resolution is the delay.
        loopDelayP99Ms: delay.count === 0 ? 0 : Math.max(0, delay.percentile(99) / 1e6 - resolutionMs),
        cpuShare: (cpu.user + cpu.system) / 1000 / wallMs,
      });
    },
  };
}

/** Decides whether the client, not the server, may have set the figures. */
export function judgeClient(load: Omit<ClientLoad, 'isBound'>): ClientLoad {
  const isBound = load.loopUtilisation > loopUtilisationLimit || load.loopDelayP99Ms > loopDelayLimitMs;
  return { ...load, isBound };
}
