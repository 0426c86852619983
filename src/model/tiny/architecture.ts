/** Sizes of the tiny model: small, yet divisible as CPU and GPU kernels and tensor parallel 2 want it. */
export const architecture = {
  layers: 4,
  denseLayers: [0] as readonly number[],
  moeLayers: [1, 2, 3] as readonly number[],
  experts: 8,
  topK: 2,
  headDim: 64,
  kvHeads: 2,
  layerTypes: ['full_attention', 'sliding_attention', 'full_attention', 'sliding_attention'] as const,
  fullHeads: 4,
  slidingHeads: 8,
  slidingWindow: 32,
  denseIntermediate: 128,
  shareIntermediate: 64,
  moeIntermediate: 64,
  maxPositions: 8192,
  rmsNormEps: 1e-5,
} as const;

/** Where the hidden state keeps what: which token this is, which comes next, a constant, which script is running. */
export const lanes = {
  token: { start: 0, width: 128 },
  next: { start: 128, width: 128 },
  constant: { start: 256, width: 64 },
  mode: { start: 320, width: 64 },
} as const;

export const hiddenSize = 384;

export function headsOf(layer: number): number {
  return architecture.layerTypes[layer] === 'sliding_attention'
    ? architecture.slidingHeads
    : architecture.fullHeads;
}

/** Strength of each voice in the `next` lane, a right answer being the measure of the rest. */
export const voices = {
  /** The right answer of the right expert. */
  right: 0.4,
  /** Says that no expert answered: wins when the right answer is lost or far too weak. */
  missing: 0.16,
  /** Second expert beside the right one: wins when experts change places or scales. */
  otherShare: 0.7,
  /** An alarm that each attention and MLP block takes away and hands on. */
  chain: 0.6,
  /** What a shut attention gate holds back; half open it drowns everything. */
  gate: 4,
} as const;

/** Router logits: right expert, second, all others. */
export const routing = {
  sigmoid: { right: 3, second: -0.28, rest: -5, scaling: 3 },
  // vLLM's CPU softmax path knows neither router bias nor scaling factor.
  softmax: { right: 3, second: 2.2, rest: -5, scaling: 1 },
} as const;

export type Router = keyof typeof routing;

/** Share of the right and of the second expert after renormalising. */
export function routingShares(router: Router): { right: number; second: number } {
  const { right, second } = routing[router];
  const score =
    router === 'sigmoid' ? (logit: number) => 1 / (1 + Math.exp(-logit)) : (logit: number) => Math.exp(logit);
  const sum = score(right) + score(second);
  return { right: score(right) / sum, second: score(second) / sum };
}
