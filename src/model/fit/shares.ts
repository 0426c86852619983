import { StepError } from '../../lib/index.ts';
import type { Checkpoint } from '../inspect/checkpoint.ts';
import type { KvShape } from './kv.ts';

type Config = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Config =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const whole = (...values: unknown[]): number | null =>
  (values.find((value) => Number.isSafeInteger(value) && Number(value) > 0) as number | undefined) ?? null;

/** The text part of a config: a multimodal one nests it. */
export const textConfig = ({ config }: Pick<Checkpoint, 'config'>): Config =>
  isRecord(config['text_config']) ? { ...config, ...config['text_config'] } : config;

/** Whole on every GPU: norms, the router and scales of one number. Everything else is split over the GPUs. */
const isReplicated = (name: string, shape: readonly number[]): boolean =>
  /norm|\.gate\.weight$|router_bias/.test(name) || shape.reduce((product, size) => product * size, 1) <= 1;

/** Bytes of weights on each GPU; draft layers are left out, as vLLM leaves them out. Pure. */
export function weightsPerGpu(checkpoint: Pick<Checkpoint, 'config' | 'shards'>, gpus: number): number {
  const layers = whole(textConfig(checkpoint)['num_hidden_layers']) ?? Infinity;
  let bytes = 0;
  for (const shard of checkpoint.shards) {
    for (const [name, { shape, sizeBytes }] of shard.tensors) {
      if (Number(/\.layers\.(\d+)\./.exec(name)?.[1] ?? -1) >= layers) continue;
      bytes += isReplicated(name, shape) ? sizeBytes : sizeBytes / gpus;
    }
  }
  return bytes;
}

const broken = (dir: string, what: string): StepError =>
  new StepError('STEP_MODEL_FOLDER', {
    verdict: `the config.json of ${dir} does not say how large the KV cache is`,
    reason: `it has no ${what}`,
    next: 'give the folder of a decoder model',
    details: { dir },
  });

/** Layers by kind and bytes of one token, for one of so many GPUs. Throws STEP_MODEL_FOLDER where the config is silent. */
export function kvShapeOf(
  checkpoint: Pick<Checkpoint, 'config' | 'dir'>,
  gpus: number,
  valueBytes: number,
): KvShape {
  const config = textConfig(checkpoint);
  const need = (value: number | null, what: string): number => {
    if (value === null) throw broken(checkpoint.dir, what);
    return value;
  };
  const layers = need(whole(config['num_hidden_layers']), 'num_hidden_layers');
  const queries = need(whole(config['num_attention_heads']), 'num_attention_heads');
  const heads = whole(config['num_attention_groups'], config['num_key_value_heads']) ?? queries;
  const headDim =
    whole(config['head_dim']) ?? need(whole(config['hidden_size']), 'head_dim or hidden_size') / queries;
  const window = whole(config['sliding_window']);
  const kinds = Array.isArray(config['layer_types']) ? config['layer_types'].slice(0, layers) : [];
  const slidingLayers = window === null ? 0 : kinds.filter((kind) => kind === 'sliding_attention').length;
  return {
    fullLayers: layers - slidingLayers,
    slidingLayers,
    window: slidingLayers === 0 ? 0 : (window ?? 0),
    // Fewer heads than GPUs: each GPU holds a copy of one.
    bytesPerTokenAndLayer: 2 * Math.max(1, Math.floor(heads / gpus)) * headDim * valueBytes,
  };
}
