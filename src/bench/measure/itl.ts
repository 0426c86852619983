import type { WeightedSample } from '../statistics/distribution.ts';
import type { RequestRecord } from '../types.ts';

/**
 * Inter-token latency, token-weighted: each gap between two token groups divided by the later group's tokens, counted
 * once for each of them. A chunk of five tokens after 50 ms is five tokens at 10 ms, not one at 50.
 */
export function collectItl(records: readonly RequestRecord[]): WeightedSample[] {
  const samples: WeightedSample[] = [];
  for (const { groups, status } of records) {
    if (status !== 'ok') continue;
    let before = groups[0];
    for (const group of groups.slice(1)) {
      // Text without a token of its own (a character finished by the token before) ends no gap.
      if (before === undefined || group.tokens <= 0) continue;
      samples.push({ value: (group.at - before.at) / group.tokens, weight: group.tokens });
      before = group;
    }
  }
  return samples;
}
