import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { StepError } from '../lib/index.ts';
import type { SourceTree } from './types.ts';

/**
 * The tree as it is in a folder that holds `vllm/`. Reading through a symbolic link inside the tree throws
 * STEP_PATCH_TREE: what is patched there would be patched in the place that the link leads to as well.
 */
export function directoryTree(folder: string): SourceTree {
  return {
    read: async (path) => {
      try {
        const [real, root] = await Promise.all([realpath(join(folder, path)), realpath(folder)]);
        if (real !== join(root, path)) throw symlinkError(folder, path, real);
        return await readFile(real, 'utf8');
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'ENOENT' || code === 'ENOTDIR') return null;
        throw error;
      }
    },
  };
}

const symlinkError = (folder: string, path: string, real: string): StepError =>
  new StepError('STEP_PATCH_TREE', {
    verdict: `${join(folder, path)} is reached through a symbolic link`,
    reason: `it leads to ${real}, which others may share`,
    next: 'install vLLM there as files of its own (for uv: --link-mode copy), then run the command again',
    details: { file: path },
  });

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
