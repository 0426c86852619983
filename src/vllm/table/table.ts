import { readFileSync } from 'node:fs';
import { compareVersions } from '../versions.ts';
import { applyDeltas, noFacts } from './delta.ts';
import type { ReleaseDelta, ReleaseFacts, ReleaseTable } from './schema.ts';

/** Written by scripts/vllm-releases.ts from the wheels; its form is tableSchema, which a test checks. */
export const tableFile = new URL('./releases.json', import.meta.url);

let deltas: readonly ReleaseDelta[] | null = null;
const built = new Map<string, ReleaseFacts>();

/** Read at first use, so that a command which compiles nothing does not pay for it. */
const load = (): readonly ReleaseDelta[] => {
  deltas ??= (JSON.parse(readFileSync(tableFile, 'utf8')) as ReleaseTable).releases;
  return deltas;
};

/** Releases in the table, oldest first. */
export const knownReleases = (): readonly string[] => load().map(({ version }) => version);

/** What the release knows; null where the table has no such release. */
export function releaseFacts(version: string): ReleaseFacts | null {
  const known = built.get(version);
  if (known !== undefined) return known;
  const at = load().findIndex((delta) => delta.version === version);
  if (at < 0) return null;
  const facts = applyDeltas(noFacts, load().slice(0, at + 1));
  built.set(version, facts);
  return facts;
}

/** Where a name came and went. */
export interface NameHistory {
  /** Release that brought it last; null: never in the table, or there from the first release on. */
  readonly since: string | null;
  /** First release without it after that; null while it is there. */
  readonly until: string | null;
  readonly isKnown: boolean;
}

/** Looks a flag (`--name`) or variable up over all releases. */
export function historyOf(name: string): NameHistory {
  const kind = name.startsWith('--') ? 'flags' : 'variables';
  let since: string | null = null;
  let until: string | null = null;
  let isKnown = false;
  for (const [at, delta] of load().entries()) {
    const row = delta[kind]?.[name];
    if (row === undefined) continue;
    const wasThere = isKnown && until === null;
    if (row === null) until = delta.version;
    else if (!wasThere) {
      since = at === 0 ? null : delta.version;
      until = null;
    }
    isKnown = true;
  }
  return { since, until, isKnown };
}

/** The release itself where the table has it, else the newest one before it; null for anything older than the first. */
export function nearestRelease(version: string): string | null {
  return knownReleases().findLast((known) => compareVersions(known, version) <= 0) ?? null;
}
