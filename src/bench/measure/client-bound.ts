import type { ClientLoad, LoopLoad } from '../types.ts';

const utilisationLimit = 0.7;
const delayLimitMs = 5;
const delayShareOfTpot = 0.25;

/**
 * Decides whether the client, not the server, may have set the figures: the loop was hardly ever idle, or it ran late
 * by an amount that matters beside the time of a token. The limits come from bench/accuracy.ts, where medians began to
 * leave the truth by more than 2 % and 1 ms beyond them.
 */
export function judgeClient(load: LoopLoad, medianTpotMs: number | null): ClientLoad {
  const delayLimit = Math.max(delayLimitMs, delayShareOfTpot * (medianTpotMs ?? 0));
  return { ...load, isBound: load.loopUtilisation > utilisationLimit || load.loopDelayP99Ms > delayLimit };
}
