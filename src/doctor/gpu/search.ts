import { runProgram } from '../run-program.ts';
import { gpuFields, isRequired, parseGpuLine, unknownField } from './fields.ts';
import type { GpuFacts, GpuSearch } from './types.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface SearchOptions {
  readonly env?: Env;
  readonly signal?: AbortSignal;
  /** Deadline of nvidia-smi; default 10 s. */
  readonly timeoutMs?: number;
}

const broken = (why: string, hangs = false): GpuSearch => ({ kind: 'broken', why, hangs });

/** Lines that are no GPU are an error that nvidia-smi printed with exit code 0 (a card fallen off the bus). */
function readLines(stdout: string, fields: readonly string[]): GpuSearch {
  const lines = stdout.split('\n').filter((line) => line.trim() !== '');
  const gpus = lines.flatMap((line) => parseGpuLine(line, fields) ?? []);
  const strange = lines.find((line) => parseGpuLine(line, fields) === null);
  if (strange === undefined) return { kind: 'found', gpus };
  return /no devices were found/i.test(strange) ? { kind: 'found', gpus: [] } : broken(strange.trim());
}

/**
 * Asks nvidia-smi which GPUs there are. A field that this driver does not know is left out and the rest asked again:
 * names change between drivers, and one unknown name voids the whole answer. Never rejects; nvidia-smi that gives no
 * answer by the deadline is broken, and killed.
 */
export async function searchGpus(options: SearchOptions = {}): Promise<GpuSearch> {
  const { env = process.env, signal, timeoutMs = 10_000 } = options;
  const deadline = Date.now() + timeoutMs;
  let fields = gpuFields;
  for (;;) {
    const args = [`--query-gpu=${fields.join(',')}`, '--format=csv,noheader,nounits'];
    const result = await runProgram('nvidia-smi', args, {
      env,
      timeoutMs: Math.max(1, deadline - Date.now()),
      ...(signal === undefined ? {} : { signal }),
    });
    if (result.kind === 'missing') return { kind: 'no-driver' };
    if (result.kind === 'done') return readLines(result.stdout, fields);
    const unknown = unknownField(result.why);
    if (unknown === null || isRequired(unknown) || !fields.includes(unknown)) {
      // Exit code 6 with these words: a driver, and no card.
      if (/no devices were found/i.test(result.why)) return { kind: 'found', gpus: [] };
      return broken(result.why, result.timedOut);
    }
    fields = fields.filter((field) => field !== unknown);
  }
}

/** NVIDIA GPUs of this machine; empty without driver or card. Never rejects. */
export async function detectGpus(env: Env = process.env): Promise<GpuFacts[]> {
  const search = await searchGpus({ env });
  return search.kind === 'found' ? [...search.gpus] : [];
}
