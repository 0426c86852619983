export { type Advisory, advisories, advisoriesFor, advisoriesDate } from './advisories.ts';
export { compileServe } from './compile/compile-serve.ts';
export { diagnose, type DiagnoseInput } from './diagnose.ts';
export { recognisePhase } from './phases.ts';
export { firstRelease, knownReleases, nearestRelease, type Release } from './releases.ts';
export { lookUpSwitch, type Switch, switches } from './switches.ts';
export type { CompiledItem, CompiledServe, Diagnosis, StartupPhase } from './types.ts';
export { compareVersions, isWithin } from './versions.ts';
