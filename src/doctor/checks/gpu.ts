import { needsOf } from '../needs.ts';
import {
  type GpuCheck,
  type CheckContext,
  fail,
  type GpuFacts,
  pass,
  skipped,
  type Verdict,
  warn,
} from '../types.ts';

const gb = (bytes: number): string =>
  bytes === 0 ? "the machine's memory" : `${Math.round(bytes / 1e9)} GB`;

export const describeGpus = (gpus: readonly GpuFacts[]): string =>
  gpus
    .map(
      (gpu) =>
        `${gpu.index}: ${gpu.name}, ${gb(gpu.memoryBytes)}, compute ${gpu.computeCapability ?? 'unknown'}`,
    )
    .join('; ');

/** GPUs that the stack takes: tensor parallelism, or more where it asks for more. */
export const gpusWanted = (stack: CheckContext['stack']): number => {
  const asked = stack.engine.gpus;
  return Math.max(stack.serve.tensorParallel, typeof asked === 'number' ? asked : 1);
};

/** Decides whether number, partition and kind of the GPUs carry this stack. Pure. */
export function judgeGpus(stack: CheckContext['stack'], gpus: readonly GpuFacts[]): Verdict {
  const seen = describeGpus(gpus);
  const wanted = gpusWanted(stack);
  if (gpus.length < wanted) {
    return fail(
      `${seen}; this stack needs ${wanted}`,
      'lower serve.tensorParallel and engine.gpus, or take another profile',
    );
  }
  const cut = gpus.filter((gpu) => gpu.details.mig === 'on').map((gpu) => gpu.index);
  if (cut.length > 0) {
    const text = `${seen}; GPU ${cut.join(', ')} is cut into MIG instances`;
    const advice = `turn it off where nobody needs it: sudo nvidia-smi -i ${cut[0] ?? 0} -mig 0`;
    // Two instances cannot reach each other, and CUDA shows a process only one.
    return wanted > 1 ? fail(text, advice) : warn(text, advice);
  }
  const share = needsOf(stack).modelBytes / stack.serve.tensorParallel;
  const small = gpus.slice(0, wanted).filter(({ memoryBytes }) => memoryBytes > 0 && memoryBytes < share);
  if (small.length > 0) {
    return fail(
      `${seen}; the weights take ${gb(share)} of each`,
      'take more or larger GPUs: serve.tensorParallel 4, or another model',
    );
  }
  const emulated = gpus.filter((gpu) => Number(gpu.computeCapability ?? 0) < 10);
  if (emulated.length > 0 && /nvfp4/i.test(`${stack.model.repo ?? ''}${stack.profile}`)) {
    return warn(
      `${seen}; no native FP4`,
      'NVFP4 runs on the slow weight-only path here (serve.moeBackend=marlin)',
    );
  }
  return pass(seen);
}

export const gpuCheck: GpuCheck = {
  id: 'gpu',
  title: 'GPUs',
  asksGpus: true,
  run: async ({ stack, gpus, search }) => {
    const needed = needsOf(stack).gpu;
    if (gpus.length > 0)
      return needed ? judgeGpus(stack, gpus) : skipped(`${describeGpus(gpus)}; this stack uses none`);
    if (search.kind === 'broken') {
      if (!needed) return skipped(`nvidia-smi fails (${search.why}); this stack uses no GPU`);
      return search.hangs
        ? fail(
            `nvidia-smi gave ${search.why}`,
            'a driver that sleeps: sudo nvidia-smi -pm 1, then stepctl doctor --wait 30; one that hangs: sudo dmesg | grep -i xid, then reboot',
          )
        : fail(
            `nvidia-smi fails: ${search.why}`,
            'a driver update without reboot is the usual cause: reboot, then nvidia-smi',
          );
    }
    const seen =
      search.kind === 'no-driver' ? 'no nvidia-smi, so no NVIDIA driver' : 'nvidia-smi lists no GPU';
    if (!needed) return skipped(`${seen}; this stack uses none`);
    return fail(seen, 'install the NVIDIA driver (580 or newer), or take --profile tiny-cpu or demo');
  },
};
