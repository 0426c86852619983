export { renderSmoke } from './render.ts';
export { runSmoke } from './run-smoke.ts';
export type { CheckResult, CheckStatus, SmokeOptions, SmokeResult } from './types.ts';
