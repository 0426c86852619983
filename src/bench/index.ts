export { definitions, explainBench } from './definitions.ts';
export { compareWithVllmBench, renderComparison, type VllmComparison } from './report/compare-vllm.ts';
export { renderBench } from './report/render.ts';
export { runBench } from './run/run-bench.ts';
export type { BenchOptions, BenchResult, BenchVerdict, LevelResult, ScenarioName } from './types.ts';
