/** Below this many samples a p99 is the maximum by another name, so there is none. */
export const minSamplesForP99 = 100;

/** Summary of raw samples. Percentiles by nearest rank: always a value that was measured, never an average of two. */
export interface Distribution {
  /** Samples; for token-weighted figures the tokens behind them. */
  readonly n: number;
  readonly mean: number | null;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p95: number | null;
  /** null below 100 samples; look at `max` then. */
  readonly p99: number | null;
  readonly min: number | null;
  readonly max: number | null;
}

export interface WeightedSample {
  readonly value: number;
  /** Above 0. */
  readonly weight: number;
}

/** Summarises samples of equal weight; nulls (figures a request does not have) are left out and do not count. */
export function summarise(values: readonly (number | null)[]): Distribution {
  const samples: WeightedSample[] = [];
  for (const value of values) if (value !== null) samples.push({ value, weight: 1 });
  return summariseWeighted(samples);
}

/** Summarises samples that each stand for `weight` tokens. */
export function summariseWeighted(samples: readonly WeightedSample[]): Distribution {
  if (samples.length === 0)
    return { n: 0, mean: null, p50: null, p90: null, p95: null, p99: null, min: null, max: null };
  const sorted = samples.toSorted((a, b) => a.value - b.value);
  const n = sorted.reduce((sum, sample) => sum + sample.weight, 0);
  return {
    n: Math.round(n),
    mean: sorted.reduce((sum, sample) => sum + sample.value * sample.weight, 0) / n,
    p50: nearestRank(sorted, n, 50),
    p90: nearestRank(sorted, n, 90),
    p95: nearestRank(sorted, n, 95),
    p99: n < minSamplesForP99 ? null : nearestRank(sorted, n, 99),
    min: sorted[0]?.value ?? null,
    max: sorted.at(-1)?.value ?? null,
  };
}

/** Smallest value with at least `percent` % of the weight at or below it. `sorted` ascends and is not empty. */
function nearestRank(sorted: readonly WeightedSample[], total: number, percent: number): number | null {
  // A hair below, so that the rounding of summed weights cannot push an exact rank to the next sample.
  const rank = (total * percent) / 100 - total * 1e-9;
  let weight = 0;
  for (const sample of sorted) {
    weight += sample.weight;
    if (weight >= rank) return sample.value;
  }
  return sorted.at(-1)?.value ?? null;
}
