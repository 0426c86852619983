import { needsOf } from '../needs.ts';
import { type GpuCheck, type GpuFacts, pass, skipped, type Verdict, warn } from '../types.ts';

/** Bits of clocks_event_reasons.active that slow a GPU down for a bad reason; idle and settings are not among them. */
const throttles: readonly { readonly bit: number; readonly what: string }[] = [
  { bit: 0x08, what: 'hardware slowdown' },
  { bit: 0x20, what: 'software thermal slowdown' },
  { bit: 0x40, what: 'hardware thermal slowdown' },
  { bit: 0x80, what: 'power brake' },
];

/** Decode is bound by memory, so half of the power costs little; below that the clocks go down too far. */
const lowestPowerShare = 0.5;

const hotC = 90;

/** What is wrong with one GPU, in words; empty for a healthy one. Pure. */
export function ailments(gpu: GpuFacts): string[] {
  const { powerLimitW, powerDefaultW, eccUncorrected, temperatureC, throttleBits } = gpu.details;
  const reasons = throttles.filter(({ bit }) => ((throttleBits ?? 0) & bit) !== 0).map(({ what }) => what);
  return [
    ...(powerLimitW !== null && powerDefaultW !== null && powerLimitW < powerDefaultW * lowestPowerShare
      ? [`capped at ${powerLimitW} of ${powerDefaultW} W`]
      : []),
    ...(eccUncorrected !== null && eccUncorrected > 0 ? [`${eccUncorrected} uncorrected ECC errors`] : []),
    ...(reasons.length > 0 ? [reasons.join(', ')] : []),
    ...(temperatureC !== null && temperatureC >= hotC ? [`${temperatureC} °C`] : []),
  ];
}

const vitals = ({ index, details }: GpuFacts): string => {
  const { powerLimitW, powerDefaultW, eccUncorrected, temperatureC } = details;
  const parts = [
    powerLimitW === null
      ? null
      : `cap ${powerLimitW}${powerDefaultW === null ? '' : ` of ${powerDefaultW}`} W`,
    eccUncorrected === null ? 'no ECC' : `ECC ${eccUncorrected}`,
    temperatureC === null ? null : `${temperatureC} °C`,
  ];
  return `${index}: ${parts.filter((part) => part !== null).join(', ')}`;
};

export function judgeHealth(gpus: readonly GpuFacts[]): Verdict {
  const sick = gpus.flatMap((gpu) => {
    const found = ailments(gpu);
    return found.length === 0 ? [] : [`GPU ${gpu.index}: ${found.join('; ')}`];
  });
  if (sick.length === 0) return pass(gpus.map(vitals).join('; '));
  return warn(
    sick.join('; '),
    'look at cooling, power plugs and nvidia-smi -q; a cap is lifted with sudo nvidia-smi -pl WATTS',
  );
}

export const gpuHealthCheck: GpuCheck = {
  id: 'gpu-health',
  title: 'GPU power, ECC, heat',
  asksGpus: true,
  run: async ({ stack, gpus }) =>
    needsOf(stack).gpu && gpus.length > 0 ? judgeHealth(gpus) : skipped('no GPU is used'),
};
