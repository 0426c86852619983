export type { EndFacts, EngineProof, SupervisorOptions, SupervisorRecord } from './options.ts';
export { defaultPolicy, type SupervisorPolicy } from './policy.ts';
export { probeReadiness, type ProbeInput } from './readiness/probe.ts';
export type {
  ReadinessFailed,
  ReadinessOptions,
  ReadinessPassed,
  ReadinessResult,
} from './readiness/types.ts';
export { createSupervisor, type Supervisor } from './supervisor.ts';
export type { EngineSnapshot, EngineState, EngineView } from './types.ts';
