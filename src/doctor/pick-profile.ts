import type { GpuFacts } from './types.ts';

/** Sold as 96 GB; 105 GB of weights over two leave room for the KV cache only from about 90 GB each. */
const neededBytes = 90e9;
const GB = 1e9;

const hasNativeFp4 = (gpu: GpuFacts): boolean => gpu.computeCapability?.startsWith('12.') ?? false;

const describeGpus = (gpus: readonly GpuFacts[]): string =>
  gpus
    .map(
      (gpu) =>
        `${gpu.name} (${Math.round(gpu.memoryBytes / GB)} GB, compute ${gpu.computeCapability ?? 'unknown'})`,
    )
    .join(', ');

/** The first shipped profile that fits the machine, and why, in words for the first screen. Pure. */
export function pickProfile(machine: { readonly gpus: readonly GpuFacts[] }): {
  readonly profile: string;
  readonly why: string;
} {
  const fitting = machine.gpus.filter((gpu) => gpu.memoryBytes >= neededBytes && hasNativeFp4(gpu));
  if (fitting.length >= 2) {
    return {
      profile: 'step-3.5-flash-nvfp4',
      why: `${fitting.length} GPUs with 90 GB or more and native FP4: ${describeGpus(fitting)}`,
    };
  }
  const seen =
    machine.gpus.length === 0 ? 'no NVIDIA GPU was found' : `only ${describeGpus(machine.gpus)} was found`;
  return {
    profile: 'demo',
    why: `${seen}; step-3.5-flash-nvfp4 needs two GPUs of 90 GB or more with compute capability 12.0, and tiny-cpu runs real vLLM on the CPU`,
  };
}
