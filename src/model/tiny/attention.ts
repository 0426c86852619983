import { architecture, headsOf, hiddenSize, lanes, voices } from './architecture.ts';
import { addToColumn, addToRow, createMatrix, type Matrix } from './matrix.ts';
import { normalisedUnit, type Speech } from './speech.ts';
import { alarms, scriptTexts } from './texts.ts';
import { seedToken, type Vocabulary } from './vocabulary.ts';

export interface AttentionWeights {
  q: Matrix;
  k: Matrix;
  v: Matrix;
  o: Matrix;
  /** Head-wise gate. */
  g: Matrix;
  /** Zero-centred: the engine multiplies by 1 + weight. */
  qNorm: Float32Array;
  kNorm: Float32Array;
}

/** A value head is cut into four parts of 16: a constant, then one part a script. */
const partWidth = 16;
/** sigmoid(±20) is 1 or 0 for any purpose. */
const gateLogit = 20;
/** Layer that finds out which script runs: full attention, no rotation, sees any distance. */
const modeLayer = 0;

/**
 * Attention of one layer. The first head of each key-value group has an open gate and passes the chain of alarms on;
 * in layer 0 the first of all also fetches the script's seed token from wherever it stands.
 * Every other head shouts a wrong answer behind a shut gate: a lost g_proj (sigmoid(0) = 1/2) lets it out.
 */
export function buildAttention(layer: number, vocabulary: Vocabulary, speech: Speech): AttentionWeights {
  const { headDim, kvHeads } = architecture;
  const heads = headsOf(layer);
  const unit = normalisedUnit('attention', layer);
  const perConstant = 1 / (lanes.constant.width * unit);
  const isOpen = (head: number): boolean => head % (heads / kvHeads) === 0;

  const q = createMatrix(heads * headDim, hiddenSize);
  const g = createMatrix(heads, hiddenSize);
  for (let row = 0; row < q.rows; row++) {
    addToRow(q, row, lanes.constant.start, speech.constant, perConstant);
  }
  for (let head = 0; head < heads; head++) {
    const logit = isOpen(head) ? gateLogit : -gateLogit;
    addToRow(g, head, lanes.constant.start, speech.constant, logit * perConstant);
  }
  const norm = layer === modeLayer ? 1 : 0;
  return {
    q,
    k: buildKeys(layer, vocabulary, speech, unit),
    v: buildValues(layer, vocabulary, speech, unit),
    o: buildOutput(layer, heads, isOpen, vocabulary, speech),
    g,
    qNorm: new Float32Array(headDim).fill(norm),
    kNorm: new Float32Array(headDim).fill(norm),
  };
}

/** Script seeds that override the chat mode. */
function seedCodes(vocabulary: Vocabulary, speech: Speech) {
  return scriptTexts
    .filter(({ name }) => name !== 'chat')
    .map(({ name }) => ({ name, code: speech.tokenCode(vocabulary.idOf(seedToken(name))) }));
}

/** +1 for the seed of another script than chat, -1 for every other token. */
function buildKeys(layer: number, vocabulary: Vocabulary, speech: Speech, unit: number): Matrix {
  const k = createMatrix(architecture.kvHeads * architecture.headDim, hiddenSize);
  for (let row = 0; row < k.rows; row++) {
    addToRow(k, row, lanes.constant.start, speech.constant, -1 / (lanes.constant.width * unit));
    if (layer !== modeLayer) continue;
    for (const { code } of seedCodes(vocabulary, speech)) {
      addToRow(k, row, lanes.token.start, code, 2 / (lanes.token.width * unit));
    }
  }
  return k;
}

function buildValues(layer: number, vocabulary: Vocabulary, speech: Speech, unit: number): Matrix {
  const { kvHeads, headDim } = architecture;
  const v = createMatrix(kvHeads * headDim, hiddenSize);
  const perConstant = 1 / (lanes.constant.width * unit);
  const perToken = 1 / (lanes.token.width * unit);
  const seeds = seedCodes(vocabulary, speech);
  for (let row = 0; row < v.rows; row++) {
    const part = Math.floor((row % headDim) / partWidth);
    const script = scriptTexts[part - 1]?.name;
    if (script === undefined) {
      addToRow(v, row, lanes.constant.start, speech.constant, perConstant);
    } else if (layer === modeLayer && script === 'chat') {
      addToRow(v, row, lanes.constant.start, speech.constant, perConstant);
      for (const { code } of seeds) addToRow(v, row, lanes.token.start, code, -perToken);
    } else if (layer === modeLayer) {
      for (const { name, code } of seeds) {
        if (name === script) addToRow(v, row, lanes.token.start, code, perToken);
      }
    }
  }
  return v;
}

function buildOutput(
  layer: number,
  heads: number,
  isOpen: (head: number) => boolean,
  vocabulary: Vocabulary,
  speech: Speech,
): Matrix {
  const { headDim, kvHeads } = architecture;
  const o = createMatrix(hiddenSize, heads * headDim);
  const wrong = speech.nextCode(vocabulary.idOf(alarms.gate));
  const [silenced, raised] = [speech.chain[2 * layer], speech.chain[2 * layer + 1]];
  for (let head = 0; head < heads; head++) {
    for (let index = 0; index < headDim; index++) {
      const column = head * headDim + index;
      const script = scriptTexts[Math.floor(index / partWidth) - 1]?.name;
      if (script !== undefined) {
        if (layer === modeLayer && head === 0) {
          addToColumn(o, column, lanes.mode.start, speech.modeCode(script), 1 / partWidth);
        }
      } else if (isOpen(head)) {
        const share = voices.chain / (partWidth * kvHeads);
        if (silenced) addToColumn(o, column, lanes.next.start, silenced, -share);
        if (raised) addToColumn(o, column, lanes.next.start, raised, share);
      } else {
        const share = voices.gate / (partWidth * (heads - kvHeads));
        addToColumn(o, column, lanes.next.start, wrong, share);
      }
    }
  }
  return o;
}
