import { StepError } from '../../lib/index.ts';
import { readCheckpoint } from '../inspect/checkpoint.ts';
import { type KvCapacity, kvCapacity } from './kv.ts';
import { kvShapeOf, textConfig, weightsPerGpu } from './shares.ts';

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

/** Memory as nvidia-smi tells it, MiB. */
export const cards: Readonly<Record<string, number>> = {
  'rtx-pro-6000': 97_887,
  'rtx-5090': 32_607,
  'a100-80': 81_920,
  h100: 81_559,
  h200: 143_771,
  b200: 183_359,
};

/**
 * Activations, graphs and NCCL on each GPU: what the published run leaves of 0.92 × 95.6 GiB beside 58.6 GiB of weights
 * and 26.0 GiB of KV cache. One run of one model: an estimate for others.
 */
export const overheadBytes = 3.3 * GiB;

export interface FitOptions {
  readonly card: string;
  readonly gpus: readonly number[];
  readonly utilisation: number;
  readonly kv: 'bf16' | 'fp8';
  /** Tokens of one request for the concurrency; null takes the model's limit. */
  readonly context: number | null;
}

export interface FitRow {
  readonly gpus: number;
  readonly weightsBytes: number;
  readonly kvBytes: number;
  readonly fits: boolean;
  /** Why not; null where it fits. */
  readonly why: string | null;
  readonly capacity: KvCapacity | null;
}

export interface FitReport {
  readonly schema: 'stepctl/fit/1';
  readonly dir: string;
  readonly card: string;
  readonly cardBytes: number;
  readonly utilisation: number;
  readonly kv: 'bf16' | 'fp8';
  readonly context: number;
  readonly layers: { readonly full: number; readonly sliding: number; readonly window: number };
  readonly rows: readonly FitRow[];
}

const gib = (bytes: number): string => `${(bytes / GiB).toFixed(1)} GiB`;

/**
 * Batches of the server: 8192 tokens on cards of 70 GiB and more, else 2048 (vLLM arg_utils); blocks of 16 on CUDA. Two
 * batches are under way with asynchronous scheduling (0.32.0; 0.16.0 counts one, 8 % more requests of 262144 tokens).
 */
const settingsFor = (cardBytes: number) => ({
  blockTokens: 16,
  inFlightTokens: 2 * (cardBytes >= 70 * GiB ? 8192 : 2048),
});

function cardBytesOf(card: string): number {
  const found = cards[card];
  if (found !== undefined) return found * MiB;
  throw new StepError('STEP_USAGE', {
    verdict: `no card is called "${card}"`,
    reason: `known are ${Object.keys(cards).join(', ')}`,
    next: `--card ${Object.keys(cards)[0] ?? ''}`,
  });
}

/**
 * Says what of a model fits on one, two or more GPUs, from its config and the headers of its shards; reads no weights.
 * Throws STEP_USAGE for an unknown card, STEP_MODEL_FOLDER and STEP_MODEL_INCOMPLETE for a folder that cannot be read.
 */
export async function fitModel(dir: string, options: FitOptions): Promise<FitReport> {
  const cardBytes = cardBytesOf(options.card);
  const checkpoint = await readCheckpoint(dir);
  const [bad] = checkpoint.problems;
  if (bad !== undefined)
    throw new StepError('STEP_MODEL_INCOMPLETE', {
      verdict: `the model in ${dir} is not whole: ${bad.file}`,
      reason: bad.text,
      next: 'fetch the folder again, or pull the model: stepctl pull OWNER/NAME',
      details: { dir, problems: checkpoint.problems },
    });
  const valueBytes = options.kv === 'fp8' ? 1 : 2;
  const limit = Number(textConfig(checkpoint)['max_position_embeddings'] ?? 131_072);
  const context = Math.min(options.context ?? limit, limit);
  const usable = cardBytes * options.utilisation;
  const rows = options.gpus.map((gpus): FitRow => {
    const weightsBytes = weightsPerGpu(checkpoint, gpus);
    const kvBytes = usable - weightsBytes - overheadBytes;
    const refuse = (why: string): FitRow => ({
      gpus,
      weightsBytes,
      kvBytes,
      fits: false,
      why,
      capacity: null,
    });
    if (kvBytes <= 0)
      return refuse(
        `${gib(weightsBytes)} of weights and ${gib(overheadBytes)} beside them are more than ${gib(usable)}`,
      );
    const shape = kvShapeOf(checkpoint, gpus, valueBytes);
    const capacity = kvCapacity(shape, settingsFor(cardBytes), kvBytes, context, limit);
    return { gpus, weightsBytes, kvBytes, fits: true, why: null, capacity };
  });
  const shape = kvShapeOf(checkpoint, 1, valueBytes);
  return {
    schema: 'stepctl/fit/1',
    dir,
    card: options.card,
    cardBytes,
    utilisation: options.utilisation,
    kv: options.kv,
    context,
    layers: { full: shape.fullLayers, sliding: shape.slidingLayers, window: shape.window },
    rows,
  };
}
