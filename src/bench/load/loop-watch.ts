import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { LoopLoad } from '../types.ts';

const resolutionMs = 5;

export interface LoopWatch {
  stop(): LoopLoad;
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
      return {
        loopUtilisation: performance.eventLoopUtilization(loopBefore).utilization,
        // The histogram holds whole timer intervals: what is beyond the resolution is the delay.
        loopDelayP99Ms: delay.count === 0 ? 0 : Math.max(0, delay.percentile(99) / 1e6 - resolutionMs),
        cpuShare: (cpu.user + cpu.system) / 1000 / wallMs,
      };
    },
  };
}
