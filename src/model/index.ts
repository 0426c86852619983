export { formatBytes, type PullPlan, renderPlan } from './download/plan.ts';
export { hubCacheDir, readHubSettings } from './hub/settings.ts';
export { planModelPull, pullModel } from './pull.ts';
export type { FilePatterns, HubSettings, PulledModel, PullOptions, PullTuning, RepoFile } from './types.ts';
