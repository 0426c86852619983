import { parseTopology, type GpuLink } from '../gpu/topology.ts';
import { needsOf } from '../needs.ts';
import { runProgram } from '../run-program.ts';
import {
  type GpuCheck,
  type GpuContext,
  type GpuFacts,
  pass,
  skipped,
  type Verdict,
  warn,
} from '../types.ts';
import { gpusWanted } from './gpu.ts';

const words: Readonly<Record<string, string>> = {
  NV: 'NVLink',
  PIX: 'one PCIe switch',
  PXB: 'several PCIe switches',
  PHB: 'one CPU',
  NODE: 'two host bridges of one CPU',
  SYS: 'two CPUs and the link between them',
};

/** The GPUs that this stack would use, by index. */
export const usedGpus = ({ stack, gpus }: Pick<GpuContext, 'stack' | 'gpus'>): readonly GpuFacts[] =>
  gpus.slice(0, gpusWanted(stack));

/** Links among the GPUs in use; the others do not matter. */
export const usedLinks = (links: readonly GpuLink[], gpus: readonly GpuFacts[]): GpuLink[] => {
  const used = new Set(gpus.map(({ index }) => index));
  return links.filter(({ from, to }) => used.has(from) && used.has(to));
};

/** Decides on how the GPUs in use are wired. Pure. */
export function judgePcie(gpus: readonly GpuFacts[], links: readonly GpuLink[]): Verdict {
  const narrow = gpus.flatMap(({ index, details: { linkWidth, linkWidthMax } }) =>
    linkWidth !== null && linkWidthMax !== null && linkWidth < linkWidthMax
      ? [`GPU ${index} runs on x${linkWidth} of x${linkWidthMax}`]
      : [],
  );
  const gen = gpus[0]?.details.linkGenMax ?? null;
  const width = gpus[0]?.details.linkWidth ?? null;
  const ways = links.map(({ from, to, kind, text }) => `${from}-${to} ${text} (${words[kind] ?? 'unknown'})`);
  const seen = [gen === null || width === null ? '' : `PCIe ${gen}.0 x${width}`, ...ways].filter(
    (part) => part !== '',
  );
  const text = seen.join('; ') || 'nvidia-smi does not tell';
  if (narrow.length > 0)
    return warn(`${narrow.join('; ')}; ${text}`, 'reseat the card, or move it to a slot with all lanes');
  if (links.some(({ kind }) => kind === 'SYS'))
    return warn(text, 'every layer sums over this way: slots of one CPU are faster');
  return pass(text);
}

export const pcieCheck: GpuCheck = {
  id: 'pcie',
  title: 'PCIe topology',
  asksGpus: true,
  run: async (context) => {
    const { env, signal, programMs } = context;
    if (!needsOf(context.stack).gpu || context.gpus.length === 0) return skipped('no GPU is used');
    const gpus = usedGpus(context);
    const result = await runProgram('nvidia-smi', ['topo', '-m'], { env, signal, timeoutMs: programMs });
    const links = result.kind === 'done' ? parseTopology(result.stdout) : [];
    return judgePcie(gpus, usedLinks(links, gpus));
  },
};
