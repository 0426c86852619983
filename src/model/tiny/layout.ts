import { architecture, hiddenSize } from './architecture.ts';
import type { Matrix } from './matrix.ts';
import { type LayerWeights, type MoeWeights, plainNorm, type TinyModel } from './model.ts';
import type { TensorBytes } from './safetensors-writer.ts';
import {
  encodeBf16,
  encodeF32,
  encodeNvfp4Linears,
  encodePlainLinears,
  type LinearGroup,
} from './tensors.ts';
import type { MlpWeights } from './units.ts';

export type TinyFormat = 'nvfp4' | 'bf16';

/** Bounds of what each kind of linear layer is fed, for the FP4 input scale. */
const inputLargest = { hidden: 16, attention: 8, silu: 64, swiglustep: 512 } as const;

/** All tensors of the checkpoint under their names on disk, in the order in which the shards hold them. */
export function layOutTensors(model: TinyModel, format: TinyFormat): TensorBytes[] {
  const encode = format === 'nvfp4' ? encodeNvfp4Linears : encodePlainLinears;
  const { embedding, head } = model;
  return [
    encodeBf16('model.embed_tokens.weight', [embedding.rows, hiddenSize], embedding.values),
    ...model.layers.flatMap((layer, index) => layOutLayer(layer, index, format, encode)),
    encodeBf16('model.norm.weight', [hiddenSize], plainNorm()),
    encodeBf16('lm_head.weight', [head.rows, hiddenSize], head.values),
  ];
}

type Encode = (group: LinearGroup) => TensorBytes[];

function layOutLayer(layer: LayerWeights, index: number, format: TinyFormat, encode: Encode): TensorBytes[] {
  const prefix = `model.layers.${index}`;
  const { q, k, v, o, g, qNorm, kNorm } = layer.attention;
  const attention = `${prefix}.self_attn`;
  const linear = (name: string, matrix: Matrix) => ({ prefix: `${attention}.${name}`, matrix });
  return [
    encodeBf16(`${prefix}.input_layernorm.weight`, [hiddenSize], plainNorm()),
    ...encode({
      linears: [linear('q_proj', q), linear('k_proj', k), linear('v_proj', v)],
      inputLargest: inputLargest.hidden,
    }),
    ...encode({ linears: [linear('o_proj', o)], inputLargest: inputLargest.attention }),
    ...encode({ linears: [linear('g_proj', g)], inputLargest: inputLargest.hidden }),
    encodeBf16(`${attention}.q_norm.weight`, [architecture.headDim], qNorm),
    encodeBf16(`${attention}.k_norm.weight`, [architecture.headDim], kNorm),
    encodeBf16(`${prefix}.post_attention_layernorm.weight`, [hiddenSize], plainNorm()),
    ...(layer.dense ? layOutMlp(`${prefix}.mlp`, layer.dense, inputLargest.silu, encode) : []),
    ...(layer.moe ? layOutMoe(prefix, layer.moe, format, encode) : []),
  ];
}

function layOutMlp(
  prefix: string,
  { gate, up, down }: MlpWeights,
  largest: number,
  encode: Encode,
): TensorBytes[] {
  return [
    ...encode({
      linears: [
        { prefix: `${prefix}.gate_proj`, matrix: gate },
        { prefix: `${prefix}.up_proj`, matrix: up },
      ],
      inputLargest: inputLargest.hidden,
    }),
    ...encode({ linears: [{ prefix: `${prefix}.down_proj`, matrix: down }], inputLargest: largest }),
  ];
}

/** NVFP4 keeps every expert by itself, BF16 stacks them into three dimensions, as the published checkpoints do. */
function layOutMoe(prefix: string, moe: MoeWeights, format: TinyFormat, encode: Encode): TensorBytes[] {
  const largest = inputLargest[moe.activation];
  const experts =
    format === 'nvfp4'
      ? moe.experts.flatMap((expert, index) =>
          layOutMlp(`${prefix}.moe.experts.${index}`, expert, largest, encode),
        )
      : (['gate', 'up', 'down'] as const).map((part) =>
          stackExperts(
            `${prefix}.moe.${part}_proj.weight`,
            moe.experts.map((expert) => expert[part]),
          ),
        );
  return [
    encodeF32(`${prefix}.moe.gate.weight`, [moe.router.rows, hiddenSize], moe.router.values),
    encodeF32(`${prefix}.moe.router_bias`, [moe.routerBias.length], moe.routerBias),
    ...layOutMlp(`${prefix}.share_expert`, moe.shared, inputLargest.silu, encode),
    ...experts,
  ];
}

function stackExperts(name: string, matrices: readonly Matrix[]): TensorBytes {
  const [first] = matrices;
  if (first === undefined) throw new Error('the tiny model has no experts');
  const size = first.values.length;
  const stacked = new Float32Array(size * matrices.length);
  matrices.forEach(({ values }, index) => stacked.set(values, index * size));
  return encodeBf16(name, [matrices.length, first.rows, first.columns], stacked);
}
