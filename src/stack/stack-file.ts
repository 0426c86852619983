import { readFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { StepError } from '../lib/index.ts';
import type { Layer, Problem } from './layers/layer.ts';
import { parseYamlLayer } from './layers/yaml-layer.ts';

/** The name that is looked for in the working directory when no file is named. */
export const stackFileName = 'stepctl.yaml';

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');

/** Short path for people: relative where the file is below the working directory. */
const shorten = (path: string, cwd: string): string => {
  const short = relative(cwd, path);
  return short === '' || short.startsWith('..') ? path : short;
};

/**
 * Reads the stack file as a layer: the named one, else `stepctl.yaml` in `cwd`, else null.
 * Throws STEP_STACK_FILE_MISSING for a named file that is absent, STEP_STACK_FILE_UNREADABLE for one that cannot be read.
 */
export async function readStackFile(
  file: string | null,
  cwd: string,
): Promise<{ path: string; layer: Layer; problems: readonly Problem[] } | null> {
  const path = resolve(cwd, file ?? stackFileName);
  const label = shorten(path, cwd);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error) && file === null) return null;
    throw new StepError(isMissing(error) ? 'STEP_STACK_FILE_MISSING' : 'STEP_STACK_FILE_UNREADABLE', {
      verdict: `cannot read the stack file ${label}`,
      reason: error instanceof Error ? error.message : String(error),
      next: isMissing(error)
        ? 'name an existing file with -f, or write one: stepctl config init'
        : 'make it readable for this user',
      details: { file: path },
      cause: error,
    });
  }
  return { path, ...parseYamlLayer({ text, file: label, kind: 'file', label }) };
}
