import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { configDir, StepError } from '../lib/index.ts';
import { type DiffFile, parseDiff } from './diffs/parse.ts';
import { sha256 } from './hash.ts';
import { type DiffPatchFile, patchFileSchema, seriesFileSchema } from './schema.ts';
import type { Patch, Series } from './types.ts';

/** Folder of the patches that stepctl ships: the nearest `patches/series.yaml` above this file, in a checkout or a package. */
export function patchesDir(): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'patches', 'series.yaml'))) return join(folder, 'patches');
    if (dirname(folder) === folder) break;
  }
  throw new StepError('STEP_PATCH_SERIES', {
    verdict: 'the patches that stepctl ships are not there',
    reason: `no patches/series.yaml in any folder above ${import.meta.dirname}`,
    next: 'install stepctl again',
  });
}

/** `$XDG_CONFIG_HOME/stepctl/patches`: the user's own series, written by `patch add` and applied after the shipped one. */
export const addedPatchesDir = (env?: Readonly<Record<string, string | undefined>>): string =>
  join(configDir(env), 'patches');

/** Reads series.yaml and the folder of every patch it names. Throws STEP_PATCH_SERIES naming file and key. */
export async function loadSeries(folder: string, origin: Patch['origin'] = 'shipped'): Promise<Series> {
  const file = join(folder, 'series.yaml');
  const { patches: ids } = await readYaml(file, seriesFileSchema);
  const patches: Patch[] = [];
  for (const id of ids) patches.push(await loadPatch(join(folder, id), id, origin));
  return { folder, patches };
}

/**
 * Every patch this user can name: the shipped series, then the added one. Throws STEP_PATCH_SERIES as `loadSeries`
 * does, and for an added patch with the name of a shipped one.
 */
export async function loadKnownSeries(
  env?: Readonly<Record<string, string | undefined>>,
  shippedFolder = patchesDir(),
): Promise<Series> {
  const shipped = await loadSeries(shippedFolder);
  const folder = addedPatchesDir(env);
  if (!existsSync(join(folder, 'series.yaml'))) return shipped;
  const added = await loadSeries(folder, 'added');
  const ids = new Set(shipped.patches.map((patch) => patch.id));
  const double = added.patches.find((patch) => ids.has(patch.id));
  if (double !== undefined)
    throw seriesError(join(folder, 'series.yaml'), `stepctl ships a patch called ${double.id} itself`);
  return { folder: shipped.folder, patches: [...shipped.patches, ...added.patches] };
}

/** What is applied to a tree where nobody names patches: all that change files and are not optional. */
export const defaultPatches = (series: Series): string[] =>
  series.patches
    .filter(({ definition }) => definition.kind !== 'plugin' && !definition.optional)
    .map((patch) => patch.id);

async function loadPatch(folder: string, id: string, origin: Patch['origin']): Promise<Patch> {
  const file = join(folder, 'patch.yaml');
  const definition = await readYaml(file, patchFileSchema);
  if (definition.id !== id) {
    throw new StepError('STEP_PATCH_SERIES', {
      verdict: `${file} calls itself ${definition.id}`,
      reason: `series.yaml and its folder say ${id}`,
      next: `set id: ${id} in ${file}`,
    });
  }
  const pluginText =
    definition.kind === 'plugin' ? await readNeeded(join(folder, definition.plugin.file)) : null;
  const probe = definition.probe === undefined ? null : await readNeeded(join(folder, definition.probe));
  const diff = definition.kind === 'diff' ? await readPinnedDiff(folder, definition) : null;
  // The definition pins the diff, so its text need not be hashed again.
  const hash = createHash('sha256')
    .update(JSON.stringify([definition, pluginText, probe]))
    .digest('hex');
  return { id, folder, definition, probe, pluginText, diff, origin, hash };
}

async function readPinnedDiff(folder: string, definition: DiffPatchFile): Promise<readonly DiffFile[]> {
  const file = join(folder, definition.diff.file);
  const text = await readNeeded(file);
  const found = sha256(text);
  if (found !== definition.diff.sha256) {
    throw new StepError('STEP_PATCH_SERIES', {
      verdict: `${file} is not the diff that was pinned`,
      reason: `its sha256 is ${found}, ${join(folder, 'patch.yaml')} names ${definition.diff.sha256}`,
      next: 'read the diff; then write its sha256 into patch.yaml, or add the pull request again',
    });
  }
  return parseDiff(text, file);
}

async function readYaml<T extends z.ZodType>(file: string, schema: T): Promise<z.infer<T>> {
  const document = parseDocument(await readNeeded(file));
  const [syntax] = document.errors;
  if (syntax !== undefined) throw seriesError(file, syntax.message);
  const parsed = schema.safeParse(document.toJS());
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw seriesError(file, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not as the schema says'}`);
}

async function readNeeded(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw seriesError(file, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

const seriesError = (file: string, reason: string, cause?: unknown): StepError =>
  new StepError('STEP_PATCH_SERIES', {
    verdict: `${file} cannot be used`,
    reason,
    next: 'correct the file, or install stepctl again if you did not write it',
    cause,
  });
