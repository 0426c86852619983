export { addPatch, type AddedPatch } from './add/add-patch.ts';
export {
  applyToDirectory,
  type ApplyResult,
  planDirectory,
  type PlanDirectoryInput,
  restoreDirectory,
} from './apply.ts';
export { renderDiff } from './diff.ts';
export { describeLifeCycle, type LifeCycle, type OnBase } from './life-cycle.ts';
export { planSeries, type PlanInput, refuseConflicts, requireKnown } from './plan.ts';
export { installPlugin, type PluginFile, pluginFiles, uninstallPlugin } from './plugin.ts';
export { originalTree, type PatchRecord, readRecord } from './record.ts';
export {
  loadReleases,
  measuredPatches,
  measuredRow,
  modulesOf,
  type ReleaseRow,
  type ReleasesFile,
  releasesFileName,
  rowOf,
  workHash,
} from './releases.ts';
export { addedPatchesDir, defaultPatches, loadKnownSeries, loadSeries, patchesDir } from './series.ts';
export { detectVersion, directoryTree } from './tree.ts';
export type {
  AnchorProblem,
  EditPlan,
  FileStatus,
  Patch,
  PatchOutcome,
  PatchPlan,
  PlannedFile,
  Series,
  SeriesPlan,
  SourceTree,
  VerifyResult,
} from './types.ts';
export { requireReference } from './upstream/reference.ts';
export { type FreshUpstream, refreshUpstream } from './upstream/refresh.ts';
export { listReleases, readWheel, type WheelPackage } from './wheel.ts';
export { verifySeries, type VerifyInput } from './verify.ts';
