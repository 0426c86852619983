import { runProgram } from './run-program.ts';
import type { GpuFacts } from './types.ts';

const fields = ['index', 'uuid', 'name', 'memory.total', 'compute_cap', 'driver_version'];
const MiB = 1024 * 1024;

/** One line of `nvidia-smi --format=csv,noheader,nounits`; null for a line of another form. Names hold no comma. */
export function parseGpuLine(line: string): GpuFacts | null {
  const [index = '', uuid = '', name = '', memory = '', capability = '', driver = ''] = line
    .split(',')
    .map((cell) => cell.trim());
  if (!/^\d+$/.test(index) || !/^\d+$/.test(memory) || driver === '') return null;
  const computeCapability = /^\d+\.\d+$/.test(capability) ? capability : null;
  return { index: Number(index), uuid, name, memoryBytes: Number(memory) * MiB, computeCapability, driver };
}

export type GpuSearch =
  | { readonly kind: 'found'; readonly gpus: readonly GpuFacts[] }
  /** No nvidia-smi: no driver. */
  | { readonly kind: 'no-driver' }
  /** nvidia-smi is there and fails. */
  | { readonly kind: 'broken'; readonly why: string };

/** Asks nvidia-smi which GPUs there are. Never rejects; a hanging driver is broken after 10 s. */
export async function searchGpus(
  env: Readonly<Record<string, string | undefined>> = process.env,
  signal?: AbortSignal,
): Promise<GpuSearch> {
  const args = [`--query-gpu=${fields.join(',')}`, '--format=csv,noheader,nounits'];
  const result = await runProgram('nvidia-smi', args, { env, ...(signal === undefined ? {} : { signal }) });
  if (result.kind === 'missing') return { kind: 'no-driver' };
  if (result.kind === 'failed') return { kind: 'broken', why: result.why };
  const gpus = result.stdout.split('\n').flatMap((line) => parseGpuLine(line) ?? []);
  return { kind: 'found', gpus };
}

/** NVIDIA GPUs of this machine; empty without driver or card. Never rejects. */
export async function detectGpus(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<GpuFacts[]> {
  const search = await searchGpus(env);
  return search.kind === 'found' ? [...search.gpus] : [];
}
