import { sha256 } from './hash.ts';
import type { FileStatus, SourceTree, VerifyResult } from './types.ts';

export interface VerifyInput {
  /** What should stand there: from a plan, a proof or a lock. */
  readonly files: readonly { readonly path: string; readonly sha256: string }[];
  readonly tree: SourceTree;
}

/** Compares recorded hashes with the files as they are now. No file at all verifies as ok: nothing was claimed. */
export async function verifySeries(input: VerifyInput): Promise<VerifyResult> {
  const files: VerifyResult['files'][number][] = [];
  for (const { path, sha256: expected } of input.files) {
    const text = await input.tree.read(path);
    const found = text === null ? null : sha256(text);
    const status: FileStatus = found === null ? 'missing' : found === expected ? 'ok' : 'changed';
    files.push({ path, status, expected, found });
  }
  return { ok: files.every((file) => file.status === 'ok'), files };
}
