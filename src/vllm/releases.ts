import { knownReleases, nearestRelease, releaseFacts } from './table/table.ts';
import type { ReleaseFacts } from './table/schema.ts';
import { compareVersions, isWithin } from './versions.ts';

/** First release with Step3p5ForCausalLM (vllm#33523). */
export const firstRelease = '0.15.1';

/** A version as asked for, and the row of the table that stands for it. */
export interface ResolvedRelease {
  readonly asked: string;
  /** Release of the table. */
  readonly version: string;
  readonly facts: ReleaseFacts;
  /** False: another build than the one of the table, so that nothing may be refused for being unknown. */
  readonly isExact: boolean;
}

/** Builds between releases carry the release that they lead to, or 0.1 where the build saw no tag (`0.1.dev16944`). */
const isUntagged = (version: string): boolean =>
  !/\d/.test(version) || isWithin(version, '0.1.dev0', '0.1.1');

/** Finds the row that stands for a version; null for one before the first supported release. */
export function resolveRelease(asked: string): ResolvedRelease | null {
  const newest = knownReleases().at(-1) ?? firstRelease;
  const plain = /^v?(\d+\.\d+\.\d+)/.exec(asked)?.[1] ?? asked;
  const version = isUntagged(asked) ? newest : nearestRelease(plain);
  const facts = version === null ? null : releaseFacts(version);
  if (version === null || facts === null) return null;
  return { asked, version, facts, isExact: compareVersions(version, asked) === 0 };
}
