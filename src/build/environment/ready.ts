import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../lib/index.ts';
import { type BuildProof, proofSchema } from '../proof.ts';
import { sha256Of } from '../sha256.ts';

/** `lib/python3.11/site-packages` of an environment. */
export const sitePackagesOf = (dir: string, pythonVersion: string): string =>
  join(dir, 'lib', `python${pythonVersion}`, 'site-packages');

export const pythonOf = (dir: string): string => join(dir, 'bin', 'python');

/** Everything that decides what is in an environment. */
export interface EnvironmentKey {
  readonly package: string;
  readonly version: string;
  /** `3.11` */
  readonly python: string;
  readonly patches: readonly { readonly id: string; readonly hash: string }[];
  /** Hash of the runtime proof's plugin. */
  readonly runtime: string;
}

/** Content-addressed name: another patch, plugin, Python or release is another environment. */
export function environmentName(key: EnvironmentKey): string {
  const hash = sha256Of(
    JSON.stringify(['stepctl/environment/2', key.package, key.version, key.python, key.patches, key.runtime]),
  );
  return `${key.package}-${key.version}-py${key.python}-${hash.slice(0, 12)}`;
}

/** Written last: an environment without it was interrupted and does not count. */
const markerPath = (dir: string): string => join(dir, 'stepctl-proof.json');

export const markReady = (dir: string, proof: BuildProof): Promise<void> =>
  writeFileAtomic(markerPath(dir), `${JSON.stringify(proof, null, 1)}\n`, 0o644);

/** The proof of a finished environment whose Python is still there; null for anything else. */
export async function readReady(dir: string): Promise<BuildProof | null> {
  try {
    const proof = proofSchema.safeParse(JSON.parse(await readFile(markerPath(dir), 'utf8')));
    await access(pythonOf(dir));
    return proof.data ?? null;
  } catch {
    return null;
  }
}
