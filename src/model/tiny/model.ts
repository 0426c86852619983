import { architecture, hiddenSize, type Router } from './architecture.ts';
import { type AttentionWeights, buildAttention } from './attention.ts';
import { buildEmbedding, buildHead } from './embedding.ts';
import type { Matrix } from './matrix.ts';
import { buildChainMlp, buildExpert, buildRouter, buildRouterBias, type MoeContext } from './mlp.ts';
import { planScripts, type ScriptPlan } from './plan.ts';
import { createSpeech } from './speech.ts';
import type { Activation, MlpWeights } from './units.ts';
import { createVocabulary, type Vocabulary } from './vocabulary.ts';

export interface MoeWeights {
  activation: Activation;
  router: Matrix;
  routerBias: Float32Array;
  shared: MlpWeights;
  experts: MlpWeights[];
}

export interface LayerWeights {
  attention: AttentionWeights;
  /** Exactly one of the two is set. */
  dense: MlpWeights | null;
  moe: MoeWeights | null;
}

/** The whole model before it is cut into tensors and files. */
export interface TinyModel {
  vocabulary: Vocabulary;
  plan: ScriptPlan;
  router: Router;
  embedding: Matrix;
  layers: LayerWeights[];
  head: Matrix;
}

export interface TinyModelOptions {
  seed: number;
  /** Whether the last layer's experts use the clipped activation. */
  swiglustep: boolean;
  router: Router;
}

/** Activation of the routed experts of one layer. */
export function activationOf(layer: number, swiglustep: boolean): Activation {
  return swiglustep && layer === architecture.layers - 1 ? 'swiglustep' : 'silu';
}

/** Builds all weights; pure, and the same for the same options. */
export function buildTinyModel({ seed, swiglustep, router }: TinyModelOptions): TinyModel {
  const vocabulary = createVocabulary();
  const plan = planScripts(vocabulary, seed);
  const speech = createSpeech(vocabulary, plan, seed);
  const layers = architecture.layerTypes.map((_, layer): LayerWeights => {
    const attention = buildAttention(layer, vocabulary, speech);
    if (architecture.denseLayers.includes(layer)) {
      const dense = buildChainMlp(layer, architecture.denseIntermediate, speech);
      return { attention, dense, moe: null };
    }
    const activation = activationOf(layer, swiglustep);
    const { transitions } = plan;
    const context: MoeContext = { layer, activation, router, transitions, vocabulary, speech };
    const moe: MoeWeights = {
      activation,
      router: buildRouter(context),
      routerBias: buildRouterBias(layer, router, seed),
      shared: buildChainMlp(layer, architecture.shareIntermediate, speech),
      experts: Array.from({ length: architecture.experts }, (_expert, expert) =>
        buildExpert(expert, context),
      ),
    };
    return { attention, dense: null, moe };
  });
  return {
    vocabulary,
    plan,
    router,
    embedding: buildEmbedding(vocabulary, speech),
    layers,
    head: buildHead(vocabulary, speech),
  };
}

/** Weight of every layer norm: zero, since the engine multiplies by 1 + weight. */
export function plainNorm(): Float32Array {
  return new Float32Array(hiddenSize);
}
