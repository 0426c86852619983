import { compareVersions } from './versions.ts';

/** How sure the rows of a release are: its real parser was asked, its source was read, or its release notes were. */
export type ReleaseEvidence = 'parser' | 'source' | 'notes';

export interface Release {
  readonly version: string;
  readonly evidence: ReleaseEvidence;
}

/** First release with Step3p5ForCausalLM (vllm#33523). */
export const firstRelease = '0.15.1';

/** Releases whose switches stepctl knows, oldest first. */
export const knownReleases: readonly Release[] = [
  { version: '0.15.1', evidence: 'parser' },
  { version: '0.16.0', evidence: 'parser' },
  { version: '0.17.0', evidence: 'source' },
  { version: '0.17.1', evidence: 'notes' },
  { version: '0.18.0', evidence: 'source' },
  { version: '0.19.0', evidence: 'notes' },
  { version: '0.20.0', evidence: 'notes' },
  { version: '0.22.0', evidence: 'source' },
  { version: '0.23.0', evidence: 'source' },
  { version: '0.24.0', evidence: 'notes' },
  { version: '0.26.0', evidence: 'notes' },
  { version: '0.27.1', evidence: 'notes' },
  { version: '0.28.0', evidence: 'notes' },
  { version: '0.29.0', evidence: 'notes' },
  { version: '0.30.0', evidence: 'notes' },
  { version: '0.31.0', evidence: 'notes' },
  { version: '0.32.0', evidence: 'parser' },
  { version: '0.33.0', evidence: 'notes' },
];

/** The release itself where it is known, else the newest known one before it. null for anything older than the first. */
export function nearestRelease(version: string): Release | null {
  return knownReleases.findLast((release) => compareVersions(release.version, version) <= 0) ?? null;
}
