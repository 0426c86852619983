import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StepError } from '../lib/index.ts';
import type { SourceTree } from './types.ts';

/** The tree as it is in a folder that holds `vllm/`. */
export function directoryTree(folder: string): SourceTree {
  return {
    read: async (path) => {
      try {
        return await readFile(join(folder, path), 'utf8');
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'ENOENT' || code === 'ENOTDIR') return null;
        throw error;
      }
    },
  };
}

/** Release that a tree says it is, from vllm/_version.py, without a local part. Throws STEP_PATCH_TREE. */
export async function detectVersion(tree: SourceTree, where: string): Promise<string> {
  const text = await tree.read('vllm/_version.py');
  const version =
    text === null ? undefined : /^__version__ = (?:version = )?['"]([^'"]+)['"]/m.exec(text)?.[1];
  if (version !== undefined) return version.replace(/\+.*$/, '');
  throw new StepError('STEP_PATCH_TREE', {
    verdict: `${where} does not hold an installed vLLM`,
    reason: text === null ? 'there is no vllm/_version.py in it' : 'vllm/_version.py names no release',
    next: 'give the folder that contains vllm/, such as a site-packages folder',
  });
}
