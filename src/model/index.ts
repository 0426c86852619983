export { formatBytes, type PullPlan, renderPlan } from './download/plan.ts';
export { hubCacheDir, hubSettings } from './hub/settings.ts';
export { planModelPull, pullModel } from './pull.ts';
export { type HubServer, serveHub, type ServeHubOptions } from './serve/serve-hub.ts';
export { type TinyCheckpoint, type TinyCheckpointOptions, writeTinyCheckpoint } from './tiny/index.ts';
export type { FilePatterns, HubSettings, PulledModel, PullOptions, PullTuning, RepoFile } from './types.ts';
