import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { needsOf } from '../needs.ts';
import { runProgram } from '../run-program.ts';
import { type GpuCheck, type GpuContext, fail, pass, skipped, type Verdict, warn } from '../types.ts';
import { usedGpus } from './pcie.ts';

/** What stands between two GPUs that write to each other. */
export interface IommuFacts {
  readonly active: boolean;
  /** Kind of the group of each GPU in use: `identity` passes addresses through, `DMA` and `DMA-FQ` translate. */
  readonly kinds: readonly string[];
  /** Bridges that send peer requests up to the root (ACS); null where only root may look. */
  readonly redirectingBridges: number | null;
}

/** Bridges of `lspci -vv` whose ACSCtl has ReqRedir on. Without privilege lspci prints no capabilities: null. Pure. */
export function countRedirecting(text: string): number | null {
  const controls = [...text.matchAll(/ACSCtl:\s*(.*)/g)].map((match) => match[1] ?? '');
  if (controls.length === 0) return /Capabilities: <access denied>/.test(text) ? null : 0;
  return controls.filter((control) => control.includes('ReqRedir+')).length;
}

async function groupKind(root: string, busId: string): Promise<string | null> {
  // nvidia-smi writes the domain with eight digits, sysfs with four.
  const device = join(root, 'sys/bus/pci/devices', busId.slice(-12).toLowerCase(), 'iommu_group');
  const group = await readlink(device).catch(() => null);
  if (group === null) return null;
  const file = join(root, 'sys/kernel/iommu_groups', basename(group), 'type');
  return (await readFile(file, 'utf8').catch(() => '')).trim() || null;
}

async function lookAtIommu(context: GpuContext): Promise<IommuFacts> {
  const { root, env, signal, programMs } = context;
  const [units, kinds, lspci] = await Promise.all([
    readdir(join(root, 'sys/class/iommu')).catch(() => []),
    Promise.all(
      usedGpus(context).map(({ details }) =>
        details.busId === null ? null : groupKind(root, details.busId),
      ),
    ),
    runProgram('lspci', ['-vv', '-d', '::0604'], { env, signal, timeoutMs: programMs }),
  ]);
  return {
    active: units.length > 0,
    kinds: kinds.filter((kind) => kind !== null),
    redirectingBridges: lspci.kind === 'done' ? countRedirecting(lspci.stdout) : null,
  };
}

const describe = ({ active, kinds, redirectingBridges }: IommuFacts): string => {
  const groups = kinds.length === 0 ? '' : `, GPUs in groups of type ${[...new Set(kinds)].join(', ')}`;
  const acs =
    redirectingBridges === null
      ? 'ACS not visible without root'
      : `${redirectingBridges} bridges with ACS redirect`;
  return `${active ? 'IOMMU on' : 'IOMMU off'}${groups}; ${acs}`;
};

/**
 * Decides whether peer writes can get lost: with a translating IOMMU, or ACS that sends them up to it, they are dropped
 * without a word and the first collective of two GPUs hangs (vllm#51513). Matters only where peer-to-peer is used. Pure.
 */
export function judgeIommu(facts: IommuFacts, peerToPeer: 'safe' | 'auto' | 'on'): Verdict {
  const seen = describe(facts);
  const translates = facts.kinds.some((kind) => kind.startsWith('DMA'));
  const redirects = facts.active && (facts.redirectingBridges ?? 0) > 0;
  if (!translates && !redirects) return pass(seen);
  if (peerToPeer === 'safe') return pass(`${seen}; harmless while serve.peerToPeer is safe`);
  const advice = 'serve.peerToPeer=safe; or iommu=pt on the kernel command line and ACS off in the BIOS';
  return peerToPeer === 'on'
    ? fail(`${seen}; serve.peerToPeer is on, and peer writes may get lost`, advice)
    : warn(`${seen}; peer writes may get lost`, advice);
}

export const iommuCheck: GpuCheck = {
  id: 'iommu',
  title: 'IOMMU and ACS',
  asksGpus: true,
  run: async (context) => {
    const { stack, gpus } = context;
    if (!needsOf(stack).gpu || gpus.length === 0) return skipped('no GPU is used');
    if (stack.serve.tensorParallel === 1) return skipped('one GPU has no peer');
    return judgeIommu(await lookAtIommu(context), stack.serve.peerToPeer);
  },
};
