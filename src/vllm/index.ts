export { type Advisory, advisories, advisoriesFor, advisoriesDate } from './advisories.ts';
export { compileServe } from './compile/compile-serve.ts';
export { diagnose, type DiagnoseInput } from './diagnose.ts';
export { recognisePhase } from './phases.ts';
export { firstRelease, type ResolvedRelease, resolveRelease } from './releases.ts';
export type { FlagRow, ReleaseFacts } from './table/schema.ts';
export { historyOf, knownReleases, nearestRelease, releaseFacts } from './table/table.ts';
export type { CompiledItem, CompiledServe, Diagnosis, StartupPhase } from './types.ts';
export { compareVersions, isWithin } from './versions.ts';
