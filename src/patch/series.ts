import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { StepError } from '../lib/index.ts';
import { patchFileSchema, seriesFileSchema } from './schema.ts';
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

/** Reads series.yaml and the folder of every patch it names. Throws STEP_PATCH_SERIES naming file and key. */
export async function loadSeries(folder: string): Promise<Series> {
  const file = join(folder, 'series.yaml');
  const { patches: ids } = await readYaml(file, seriesFileSchema);
  const patches: Patch[] = [];
  for (const id of ids) patches.push(await loadPatch(join(folder, id), id));
  return { folder, patches };
}

async function loadPatch(folder: string, id: string): Promise<Patch> {
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
  const hash = createHash('sha256')
    .update(JSON.stringify([definition, pluginText, probe]))
    .digest('hex');
  return { id, folder, definition, probe, pluginText, hash };
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
