import type { StartupPhase } from '../../vllm/types.ts';

/** Startup phases in their order; a line of an earlier phase that comes late does not move the display back. */
const order: Readonly<Record<StartupPhase, number>> = {
  launch: 0,
  imports: 1,
  config: 2,
  distributed: 3,
  backends: 4,
  weights: 5,
  compile: 6,
  'kv-cache': 7,
  graphs: 8,
  server: 9,
  canary: 10,
};

export const isLater = (phase: StartupPhase, than: StartupPhase): boolean => order[phase] > order[than];
