import { architecture, hiddenSize, routing, type Router } from './architecture.ts';
import { asFloat } from './json-text.ts';
import type { TinyFormat } from './layout.ts';
import { endOfTurn, startOfTurn } from './texts.ts';
import type { Vocabulary } from './vocabulary.ts';

const fp4Numbers = {
  num_bits: 4,
  type: 'float',
  strategy: 'tensor_group',
  group_size: 16,
  symmetric: true,
  observer: 'minmax',
};

/** What llm-compressor writes for `nvfp4-pack-quantized`. */
function quantizationConfig(): Record<string, unknown> {
  return {
    quant_method: 'compressed-tensors',
    format: 'nvfp4-pack-quantized',
    quantization_status: 'compressed',
    global_compression_ratio: null,
    kv_cache_scheme: null,
    ignore: ['lm_head', ...architecture.moeLayers.map((layer) => `model.layers.${layer}.moe.gate`)],
    config_groups: {
      group_0: {
        targets: ['Linear'],
        format: 'nvfp4-pack-quantized',
        weights: { ...fp4Numbers, dynamic: false },
        input_activations: { ...fp4Numbers, dynamic: 'local' },
        output_activations: null,
      },
    },
  };
}

export interface ConfigInput {
  vocabulary: Vocabulary;
  format: TinyFormat;
  swiglustep: boolean;
  router: Router;
}

/** `config.json`, with the fields that vLLM's step3p5 model reads. */
export function createModelConfig(input: ConfigInput): Record<string, unknown> {
  const { vocabulary, format, swiglustep, router } = input;
  const a = architecture;
  const last = a.layers - 1;
  return {
    architectures: ['Step3p5ForCausalLM'],
    model_type: 'step3p5',
    dtype: 'bfloat16',
    torch_dtype: 'bfloat16',
    hidden_size: hiddenSize,
    intermediate_size: a.denseIntermediate,
    num_hidden_layers: a.layers,
    vocab_size: vocabulary.tokens.length,
    max_position_embeddings: a.maxPositions,
    max_seq_len: a.maxPositions,
    rms_norm_eps: a.rmsNormEps,
    tie_word_embeddings: false,
    bos_token_id: vocabulary.idOf(startOfTurn),
    eos_token_id: vocabulary.idOf(endOfTurn),
    att_impl_type: 'GQA',
    num_attention_heads: a.fullHeads,
    num_attention_groups: a.kvHeads,
    head_dim: a.headDim,
    use_head_wise_attn_gate: true,
    sliding_window: a.slidingWindow,
    layer_types: a.layerTypes,
    attention_other_setting: {
      attention_type: 'sliding_attention',
      num_attention_heads: a.slidingHeads,
      num_attention_groups: a.kvHeads,
      head_dim: a.headDim,
      true_head_dim: a.headDim,
    },
    rope_theta: a.layerTypes.map((type) => asFloat(type === 'full_attention' ? 5_000_000 : 10_000)),
    rope_scaling: null,
    partial_rotary_factors: a.layerTypes.map((type) => asFloat(type === 'full_attention' ? 0.5 : 1)),
    // Layer 0 looks for a token wherever it stands, so distance must not matter there.
    use_rope_layers: a.layerTypes.map((_, layer) => layer !== 0),
    yarn_only_types: ['full_attention'],
    moe_layers_enum: a.moeLayers.join(','),
    moe_num_experts: a.experts,
    moe_top_k: a.topK,
    moe_intermediate_size: a.moeIntermediate,
    share_expert_dim: a.shareIntermediate,
    moe_router_activation: router,
    moe_router_scaling_factor: asFloat(routing[router].scaling),
    norm_expert_weight: true,
    use_moe: true,
    use_moe_router_bias: true,
    need_fp32_gate: true,
    num_nextn_predict_layers: 0,
    swiglu_limits: a.layerTypes.map((_, layer) => (swiglustep && layer === last ? asFloat(7) : asFloat(0))),
    swiglu_limits_shared: a.layerTypes.map((_, layer) =>
      swiglustep && layer === last ? asFloat(16) : asFloat(0),
    ),
    ...(format === 'nvfp4' ? { quantization_config: quantizationConfig() } : {}),
  };
}

/** Greedy by default: the script is known only at temperature 0. */
export function createGenerationConfig(vocabulary: Vocabulary): Record<string, unknown> {
  return {
    bos_token_id: vocabulary.idOf(startOfTurn),
    eos_token_id: [vocabulary.idOf(endOfTurn)],
    do_sample: false,
    temperature: 0,
  };
}
