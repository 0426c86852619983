import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { StepError } from '../../lib/index.ts';
import { unsafeReason } from '../hub/names.ts';
import { readShardHeader, type TensorEntry } from './safetensors.ts';

export interface Shard {
  readonly file: string;
  readonly sizeBytes: number;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
}

export interface CheckpointProblem {
  /** File inside the folder. */
  readonly file: string;
  readonly problem: 'missing' | 'truncated' | 'header' | 'too-long' | 'index';
  readonly text: string;
}

/** A folder read as a checkpoint: its config, the shards its index names, and what is wrong with them. */
export interface Checkpoint {
  readonly dir: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly shards: readonly Shard[];
  readonly problems: readonly CheckpointProblem[];
}

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });
export const indexFileName = 'model.safetensors.index.json';

const folderError = (dir: string, reason: string): StepError =>
  new StepError('STEP_MODEL_FOLDER', {
    verdict: `${dir} is not a model folder`,
    reason,
    next: 'give the folder that holds config.json and the .safetensors files',
    details: { dir },
  });

async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new SyntaxError(`${path} is not JSON`);
  }
}

/** Tensor → shard by the index; null where there is none (a single file, or no weights). */
async function readIndex(
  dir: string,
): Promise<{ map: ReadonlyMap<string, string> | null; problems: CheckpointProblem[] }> {
  const wrong = (text: string) => ({
    map: null,
    problems: [{ file: indexFileName, problem: 'index' as const, text }],
  });
  const value = await readJson(join(dir, indexFileName)).catch((error: unknown) => error);
  if (value === null) return { map: null, problems: [] };
  const parsed = indexSchema.safeParse(value);
  if (!parsed.success) return wrong('it is not an index: no weight_map');
  const unsafe = Object.values(parsed.data.weight_map).find((file) => unsafeReason(file) !== null);
  if (unsafe !== undefined) return wrong(`it names the shard ${JSON.stringify(unsafe)}, outside the folder`);
  return { map: new Map(Object.entries(parsed.data.weight_map)), problems: [] };
}

/** Tensors that the index places in a shard which does not hold them. */
function missingTensors(map: ReadonlyMap<string, string>, shards: readonly Shard[]): CheckpointProblem[] {
  const byFile = new Map(shards.map((shard) => [shard.file, shard]));
  const lost = new Map<string, string[]>();
  for (const [tensor, file] of map) {
    const shard = byFile.get(file);
    if (shard !== undefined && !shard.tensors.has(tensor))
      lost.set(file, [...(lost.get(file) ?? []), tensor]);
  }
  return [...lost].map(([file, names]) => ({
    file,
    problem: 'index',
    text: `lacks ${names.length} tensor${names.length === 1 ? '' : 's'} that the index places in it, ${names[0]} first`,
  }));
}

/**
 * Reads a folder as a checkpoint: config.json, the index, and the header of every shard the index names. Throws
 * STEP_MODEL_FOLDER when it is no model folder at all; what is wrong with single files is in `problems`.
 */
export async function readCheckpoint(dir: string): Promise<Checkpoint> {
  const found = await stat(dir).catch(() => null);
  if (found?.isDirectory() !== true)
    throw folderError(dir, found === null ? 'there is nothing there' : 'it is no folder');
  const config = await readJson(join(dir, 'config.json')).catch((error: unknown) => {
    throw folderError(dir, error instanceof Error ? error.message : String(error));
  });
  if (config === null) throw folderError(dir, 'it holds no config.json');
  if (typeof config !== 'object' || Array.isArray(config))
    throw folderError(dir, 'its config.json is no JSON object');
  const { map, problems } = await readIndex(dir);
  const named =
    map === null
      ? (await readdir(dir)).filter((name) => name.endsWith('.safetensors'))
      : [...new Set(map.values())];
  const shards: Shard[] = [];
  for (const file of named.toSorted()) {
    const header = await readShardHeader(join(dir, file));
    if (header.kind === 'good') shards.push({ file, sizeBytes: header.fileBytes, tensors: header.tensors });
    else problems.push({ file, problem: header.problem, text: header.text });
  }
  if (named.length === 0 && problems.length === 0)
    problems.push({
      file: indexFileName,
      problem: 'missing',
      text: 'there is neither an index nor a .safetensors file',
    });
  if (map !== null) problems.push(...missingTensors(map, shards));
  return { dir, config: config as Record<string, unknown>, shards, problems };
}
