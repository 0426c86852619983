import { runProgram } from '../run-program.ts';
import { isWithin } from '../../vllm/index.ts';
import { needsOf } from '../needs.ts';
import {
  type Check,
  type CheckContext,
  fail,
  type GpuFacts,
  pass,
  skipped,
  type Verdict,
  warn,
} from '../types.ts';
import { searchGpus } from '../detect-gpus.ts';

const describe = (gpus: readonly GpuFacts[]): string =>
  gpus
    .map(
      (gpu) =>
        `${gpu.index}: ${gpu.name}, ${Math.round(gpu.memoryBytes / 1e9)} GB, compute ${gpu.computeCapability ?? 'unknown'}`,
    )
    .join('; ');

const driverMajor = (gpu: GpuFacts): number => Number.parseInt(gpu.driver, 10);

/** Decides whether the GPUs carry this stack. */
export function judgeGpus(stack: CheckContext['stack'], gpus: readonly GpuFacts[]): Verdict {
  const seen = describe(gpus);
  const asked = stack.engine.gpus;
  const wanted = Math.max(stack.serve.tensorParallel, typeof asked === 'number' ? asked : 1);
  if (gpus.length < wanted) {
    return fail(
      `${seen}; this stack needs ${wanted}`,
      'lower serve.tensorParallel and engine.gpus, or take another profile',
    );
  }
  const cuda13 = isWithin(stack.engine.vllm, '0.20.0', null) || (stack.engine.image ?? '').includes('cu130');
  const old = gpus.find((gpu) => driverMajor(gpu) < 580);
  if (cuda13 && old !== undefined) {
    return fail(
      `${seen}; driver ${old.driver}`,
      'the CUDA 13 build needs driver 580 or newer: update it, or take an image of CUDA 12.9',
    );
  }
  const emulated = gpus.filter((gpu) => Number(gpu.computeCapability ?? 0) < 10);
  if (emulated.length > 0 && /nvfp4/i.test(`${stack.model.repo ?? ''}${stack.profile}`)) {
    return warn(
      `${seen}; no native FP4`,
      'NVFP4 runs on the slow weight-only path here (serve.moeBackend=marlin)',
    );
  }
  return pass(`${seen}; driver ${gpus[0]?.driver ?? 'unknown'}`);
}

export const gpuCheck: Check = {
  id: 'gpu',
  title: 'GPUs',
  run: async ({ stack, env, gpus, signal }) => {
    if (gpus.length > 0)
      return needsOf(stack).gpu ? judgeGpus(stack, gpus) : skipped(`${describe(gpus)}; this stack uses none`);
    const search = await searchGpus(env, signal);
    const seen =
      search.kind === 'broken'
        ? `nvidia-smi fails: ${search.why}`
        : 'no NVIDIA GPU: nvidia-smi is not there or lists none';
    if (!needsOf(stack).gpu) return skipped(`${seen}; this stack uses none`);
    return fail(seen, 'install the NVIDIA driver (580 or newer), or take --profile tiny-cpu or demo');
  },
};

/** Who else holds GPU memory: often an EngineCore that outlived its server. */
export const gpuTenantsCheck: Check = {
  id: 'gpu-tenants',
  title: 'GPU memory held by others',
  run: async ({ stack, env, gpus, signal }) => {
    if (!needsOf(stack).gpu || gpus.length === 0) return skipped('no GPU is used');
    const args = ['--query-compute-apps=pid,process_name,used_memory', '--format=csv,noheader'];
    const result = await runProgram('nvidia-smi', args, { env, signal });
    if (result.kind !== 'done') return warn('nvidia-smi does not tell', 'look with nvidia-smi by hand');
    const tenants = result.stdout
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
    return tenants.length === 0
      ? pass('nobody')
      : warn(tenants.join('; '), 'end them before a start: weights and KV cache are sized for an empty GPU');
  },
};
