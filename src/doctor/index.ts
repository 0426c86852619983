export { findPortHolder } from './checks/port.ts';
export { detectGpus, type GpuSearch, searchGpus } from './gpu/index.ts';
export { pickProfile } from './pick-profile.ts';
export { doctorExitCode, renderDoctor } from './render-doctor.ts';
export { type DoctorOptions, runDoctor } from './run-doctor.ts';
export type { CheckResult, CheckStatus, DoctorReport, GpuFacts } from './types.ts';
