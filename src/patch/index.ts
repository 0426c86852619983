export {
  applyToDirectory,
  type ApplyResult,
  planDirectory,
  type PlanDirectoryInput,
  restoreDirectory,
} from './apply.ts';
export { renderDiff } from './diff.ts';
export { planSeries, type PlanInput, refuseConflicts, requireKnown } from './plan.ts';
export { installPlugin, type PluginFile, pluginFiles, uninstallPlugin } from './plugin.ts';
export { originalTree, type PatchRecord, readRecord } from './record.ts';
export { loadSeries, patchesDir } from './series.ts';
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
export { verifySeries, type VerifyInput } from './verify.ts';
