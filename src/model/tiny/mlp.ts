import {
  architecture,
  hiddenSize,
  lanes,
  routing,
  routingShares,
  type Router,
  voices,
} from './architecture.ts';
import { createRandom } from './codes.ts';
import { addToColumn, addToRow, createMatrix, findLargest, type Matrix } from './matrix.ts';
import type { Transition } from './plan.ts';
import { normalisedUnit, type Speech } from './speech.ts';
import { alarms } from './texts.ts';
import {
  activate,
  type Activation,
  listenToStep,
  listenToToken,
  type MlpWeights,
  unitPairs,
} from './units.ts';
import type { Vocabulary } from './vocabulary.ts';

function createMlp(intermediate: number): MlpWeights {
  return {
    gate: createMatrix(intermediate, hiddenSize),
    up: createMatrix(intermediate, hiddenSize),
    down: createMatrix(hiddenSize, intermediate),
  };
}

/** What the always-on MLPs (dense and shared expert) compute with; exchanged gate and up leave most of the alarm standing. */
const chainUnit = { gate: 4, up: -2 };

/** An MLP that is always on: silences the alarm of its block and raises that of the next. */
export function buildChainMlp(layer: number, intermediate: number, speech: Speech): MlpWeights {
  const mlp = createMlp(intermediate);
  const unit = normalisedUnit('mlp', layer);
  const perConstant = 1 / (lanes.constant.width * unit);
  const share = voices.chain / (intermediate * activate('silu', chainUnit.gate, chainUnit.up));
  const [silenced, raised] = [speech.chain[2 * layer + 1], speech.chain[2 * layer + 2]];
  for (let row = 0; row < intermediate; row++) {
    const { start } = lanes.constant;
    addToRow(mlp.gate, row, start, speech.constant, chainUnit.gate * perConstant);
    addToRow(mlp.up, row, start, speech.constant, chainUnit.up * perConstant);
    if (silenced) addToColumn(mlp.down, row, lanes.next.start, silenced, -share);
    if (raised) addToColumn(mlp.down, row, lanes.next.start, raised, share);
  }
  return mlp;
}

export interface MoeContext {
  layer: number;
  activation: Activation;
  router: Router;
  transitions: readonly Transition[];
  vocabulary: Vocabulary;
  speech: Speech;
}

/**
 * Columns of an expert's hidden layer. Each kind has a group of 16 for itself: FP4 takes its scale from the
 * largest of a group, so a quiet unit beside a loud one would be lost. Two groups go to each tensor parallel rank.
 */
const columns = { main: 0, other: 16, anti: 32, unused: 48 } as const;
const columnsEach = 16;

/** One routed expert: the steps it knows, and a wrong answer for those where it is the second. */
export function buildExpert(expert: number, context: MoeContext): MlpWeights {
  const { layer, activation, router, vocabulary, speech } = context;
  const mlp = createMlp(architecture.moeIntermediate);
  const unit = normalisedUnit('mlp', layer);
  const pair = unitPairs[activation];
  const mainOutput = activate(activation, pair.main.gate, pair.main.up);
  const antiOutput = activate(activation, pair.anti.gate, pair.anti.up);
  const wanted = voices.right / (routingShares(router).right * routing[router].scaling);
  const mainWeight = wanted / (mainOutput + pair.ratio * antiOutput);
  const rival = speech.nextCode(vocabulary.idOf(alarms.rival));
  const other = speech.nextCode(vocabulary.idOf(alarms.other));

  const own = context.transitions.filter((step) => step.layer === layer && step.expert === expert);
  const asSecond = uniqueBy(
    context.transitions.filter((step) => step.layer === layer && step.second === expert),
    (step) => step.from,
  );
  if (Math.max(own.length, asSecond.length) > columnsEach) {
    throw new Error('the tiny model has more steps than its experts have units');
  }

  own.forEach((step, index) => {
    const next = speech.nextCode(step.next);
    for (const kind of ['main', 'anti'] as const) {
      const row = columns[kind] + index;
      listenToStep(mlp.gate, row, step, speech, unit, pair[kind].gate);
      listenToToken(mlp.up, row, step, speech, unit, pair[kind].up);
      const weight = kind === 'main' ? mainWeight : mainWeight * pair.ratio;
      addToColumn(mlp.down, row, lanes.next.start, next, weight);
      addToColumn(mlp.down, row, lanes.next.start, rival, -weight);
    }
  });
  asSecond.forEach((step, index) => {
    const row = columns.other + index;
    listenToToken(mlp.gate, row, step, speech, unit, pair.main.gate);
    listenToToken(mlp.up, row, step, speech, unit, pair.main.up);
    const weight = (wanted * voices.otherShare) / mainOutput;
    addToColumn(mlp.down, row, lanes.next.start, other, weight);
  });
  spreadGlobalScale(mlp.down, expert);
  return mlp;
}

/**
 * A weight on a unit that never fires, two, four or eight times the largest in some experts. It changes nothing but the global
 * scale, so experts differ in it, and an engine that ignores it makes a second expert louder than the right one.
 */
function spreadGlobalScale(down: Matrix, expert: number): void {
  const largest = findLargest([down]) * 2 ** (expert % 4);
  addToRow(down, lanes.constant.start, columns.unused, [largest], 1);
}

/** FP32 router: the right expert first, its second next, all others far behind. */
export function buildRouter(context: MoeContext): Matrix {
  const { layer, router, speech } = context;
  const matrix = createMatrix(architecture.experts, hiddenSize);
  const unit = normalisedUnit('mlp', layer);
  const { right, second, rest } = routing[router];
  const here = uniqueBy(
    context.transitions.filter((step) => step.layer === layer),
    (step) => step.from,
  );
  for (let expert = 0; expert < architecture.experts; expert++) {
    const perConstant = rest / (lanes.constant.width * unit);
    addToRow(matrix, expert, lanes.constant.start, speech.constant, perConstant);
    for (const step of here) {
      if (step.expert === expert) listenToToken(matrix, expert, step, speech, unit, right - rest);
      if (step.second === expert) listenToToken(matrix, expert, step, speech, unit, second - rest);
    }
  }
  return matrix;
}

/** Small enough to change no choice; softmax routing on a CPU ignores it, so there it is zero. */
export function buildRouterBias(layer: number, router: Router, seed: number): Float32Array {
  const random = createRandom(seed + layer);
  return Float32Array.from({ length: architecture.experts }, () =>
    router === 'sigmoid' ? (random() - 0.5) / 50 : 0,
  );
}

function uniqueBy<T>(items: readonly T[], key: (item: T) => unknown): T[] {
  const seen = new Set<unknown>();
  return items.filter((item) => !seen.has(key(item)) && seen.add(key(item)));
}
