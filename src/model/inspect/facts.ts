import type { Checkpoint } from './checkpoint.ts';

/** How the experts' weights lie in the files; decides which vLLM can load them. */
export type ExpertLayout = 'none' | 'stacked' | 'per-expert';

/** What is known of a model from its config and its shards' headers. */
export interface ModelFacts {
  readonly dir: string;
  readonly architecture: string | null;
  readonly modelType: string | null;
  readonly layers: number | null;
  readonly hiddenSize: number | null;
  readonly vocabSize: number | null;
  readonly maxPositions: number | null;
  readonly experts: number | null;
  readonly expertsPerToken: number | null;
  readonly moeLayers: readonly number[];
  readonly expertLayout: ExpertLayout;
  readonly quantization: { readonly method: string; readonly format: string | null } | null;
  /** The llm-compressor layout that vLLM loads from 0.17.0 on (PR #34478). */
  readonly perExpertNvfp4: boolean;
  /** MoE layers whose activation is swiglustep: a limit in `swiglu_limits`. */
  readonly swiglustepLayers: readonly number[];
  /** Layers whose shared expert has a limit in `swiglu_limits_shared`. */
  readonly swiglustepSharedLayers: readonly number[];
  /** Draft layers the config declares, and whether the files hold any (quantised exports drop them). */
  readonly nextnLayers: number;
  readonly hasNextnWeights: boolean;
  readonly shards: number;
  readonly tensors: number;
  /** Bytes of all shards. */
  readonly bytes: number;
  /** Bytes of tensors by their type. */
  readonly bytesByType: Readonly<Record<string, number>>;
}

type Config = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Config =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const whole = (...values: unknown[]): number | null =>
  (values.find((value) => Number.isSafeInteger(value)) as number | undefined) ?? null;

/** `moe_layers_enum` is "1,2,3" or a list; without it every layer but the first is an MoE layer (vLLM step3p5.py). */
function moeLayersOf(config: Config, layers: number | null, experts: number | null): number[] {
  if (experts === null || layers === null) return [];
  const named = config['moe_layers_enum'];
  const list =
    typeof named === 'string'
      ? named.split(',').map(Number)
      : Array.isArray(named)
        ? named.map(Number)
        : null;
  return (list ?? Array.from({ length: layers }, (_, layer) => layer).slice(1)).filter(
    (layer) => layer >= 0 && layer < layers,
  );
}

/** Layers with a limit other than 0 and null; lists may be longer than the model, for its draft layers. */
function limitedLayers(limits: unknown, layers: number | null): number[] {
  if (!Array.isArray(limits)) return [];
  return limits.flatMap((limit, layer) =>
    typeof limit === 'number' && limit !== 0 && layer < (layers ?? Infinity) ? [layer] : [],
  );
}

function quantizationOf(config: Config): ModelFacts['quantization'] {
  const declared = config['quantization_config'];
  if (!isRecord(declared)) return null;
  const method = text(declared['quant_method']) ?? text(declared['quant_algo']) ?? 'unknown';
  return { method, format: text(declared['format']) ?? text(declared['quant_algo']) };
}

function layoutOf(names: readonly string[]): ExpertLayout {
  if (names.some((name) => /\.experts\.\d+\./.test(name))) return 'per-expert';
  return names.some((name) => /\.(moe|experts)\.(gate|up|down|gate_up)_proj/.test(name)) ? 'stacked' : 'none';
}

/** The layer a tensor belongs to; -1 outside of any. */
const layerOf = (name: string): number => Number(/\.layers\.(\d+)\./.exec(name)?.[1] ?? -1);

/** Draws the facts from a checkpoint that was read. Pure. */
export function factsOf(checkpoint: Checkpoint): ModelFacts {
  const outer = checkpoint.config;
  const nested = outer['text_config'];
  const config: Config = isRecord(nested) ? { ...outer, ...nested } : outer;
  const layers = whole(config['num_hidden_layers']);
  const experts = whole(
    config['moe_num_experts'],
    config['num_experts'],
    config['n_routed_experts'],
    config['num_local_experts'],
  );
  const moeLayers = moeLayersOf(config, layers, experts);
  const tensors = checkpoint.shards.flatMap((shard) => [...shard.tensors]);
  const names = tensors.map(([name]) => name);
  const quantization = quantizationOf(outer) ?? quantizationOf(config);
  const bytesByType: Record<string, number> = {};
  for (const [, { dtype, sizeBytes }] of tensors) bytesByType[dtype] = (bytesByType[dtype] ?? 0) + sizeBytes;
  return {
    dir: checkpoint.dir,
    architecture: Array.isArray(outer['architectures']) ? text(outer['architectures'][0]) : null,
    modelType: text(outer['model_type']),
    layers,
    hiddenSize: whole(config['hidden_size']),
    vocabSize: whole(config['vocab_size']),
    maxPositions: whole(config['max_position_embeddings']),
    experts,
    expertsPerToken: whole(config['moe_top_k'], config['num_experts_per_tok']),
    moeLayers,
    expertLayout: layoutOf(names),
    quantization,
    perExpertNvfp4:
      /nvfp4/i.test(quantization?.format ?? '') &&
      names.some((name) => /\.experts\.\d+\.\w+\.weight_packed$/.test(name)),
    swiglustepLayers: limitedLayers(config['swiglu_limits'], layers).filter((layer) =>
      moeLayers.includes(layer),
    ),
    swiglustepSharedLayers: limitedLayers(config['swiglu_limits_shared'], layers),
    nextnLayers: whole(config['num_nextn_predict_layers']) ?? 0,
    hasNextnWeights: layers !== null && names.some((name) => layerOf(name) >= layers),
    shards: checkpoint.shards.length,
    tensors: names.length,
    bytes: checkpoint.shards.reduce((sum, shard) => sum + shard.sizeBytes, 0),
    bytesByType,
  };
}
