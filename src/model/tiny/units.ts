import { lanes } from './architecture.ts';
import { addToRow, type Matrix } from './matrix.ts';
import type { Speech } from './speech.ts';
import { scriptTexts } from './texts.ts';
import type { Transition } from './plan.ts';

/** A gated MLP: down(act(gate x) * up x). */
export interface MlpWeights {
  gate: Matrix;
  up: Matrix;
  down: Matrix;
}

export type Activation = 'silu' | 'swiglustep';

export function silu(value: number): number {
  return value / (1 + Math.exp(-value));
}

/** Output of one hidden unit, given what its gate and up rows see. */
export function activate(activation: Activation, gate: number, up: number): number {
  if (activation === 'silu') return silu(gate) * up;
  return Math.min(silu(gate), 7) * Math.max(-7, Math.min(7, up));
}

/**
 * Two units know a step: `main` speaks for the right answer, `anti` against it and for the rival. Found by linear programming
 * over small numbers so that the sum favours the right answer by a wide margin under the right activation, and the rival
 * by a wide margin when gate and up are exchanged, when their scale is lost (far too large) and, in the last
 * layer, under silu instead of swiglustep (where 16 and 16 meet the limit of 7 twice).
 * `ratio`: weight of anti's output beside that of main.
 */
export const unitPairs = {
  silu: { main: { gate: -1, up: -4 }, anti: { gate: 1, up: 4 }, ratio: -0.113 },
  swiglustep: { main: { gate: -2, up: -4 }, anti: { gate: 16, up: 16 }, ratio: -0.0073 },
} as const;

/** Makes a gate or up row see `target` for this token, and 0 for every other one. */
export function listenToToken(
  matrix: Matrix,
  row: number,
  transition: Transition,
  speech: Speech,
  unit: number,
  target: number,
): void {
  const perToken = target / (lanes.token.width * unit);
  addToRow(matrix, row, lanes.token.start, speech.tokenCode(transition.from), perToken);
}

/** As `listenToToken`; where the script matters too, 0 as well for the same token in another script. */
export function listenToStep(
  matrix: Matrix,
  row: number,
  transition: Transition,
  speech: Speech,
  unit: number,
  target: number,
): void {
  if (transition.mode === null) {
    listenToToken(matrix, row, transition, speech, unit, target);
    return;
  }
  // Half from the token and half from the script: another script takes away what the token gave.
  // Another token of this script sees half the target here, which is harmless: its up row sees 0.
  listenToToken(matrix, row, transition, speech, unit, target / 2);
  const perMode = target / 2 / (lanes.mode.width * unit);
  for (const { name } of scriptTexts) {
    const sign = name === transition.mode ? 1 : -1;
    addToRow(matrix, row, lanes.mode.start, speech.modeCode(name), sign * perMode);
  }
}
