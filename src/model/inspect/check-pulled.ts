import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { StepError } from '../../lib/index.ts';
import { unsafeReason } from '../hub/names.ts';
import type { RepoFile } from '../types.ts';
import { readShardHeader, type TensorEntry } from './safetensors.ts';

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });
const indexEnding = '.safetensors.index.json';

interface Found {
  readonly file: string;
  readonly text: string;
}

/** What is wrong with one index: shards that the repository does not have, tensors that a pulled shard does not hold. */
async function indexProblems(
  dir: string,
  index: string,
  listed: ReadonlySet<string>,
  shards: ReadonlyMap<string, ReadonlyMap<string, TensorEntry>>,
): Promise<Found[]> {
  const parsed = await readFile(join(dir, index), 'utf8')
    .then((text) => indexSchema.safeParse(JSON.parse(text)))
    .catch(() => null);
  if (parsed?.success !== true) return [{ file: index, text: 'it is not an index: no weight_map' }];
  const folder = dirname(index);
  const problems: Found[] = [];
  for (const [tensor, name] of Object.entries(parsed.data.weight_map)) {
    const shard = folder === '.' ? name : `${folder}/${name}`;
    if (unsafeReason(name) !== null || !listed.has(shard))
      problems.push({
        file: index,
        text: `it names the shard ${JSON.stringify(name)}, which the repository does not have`,
      });
    else if (shards.get(shard)?.has(tensor) === false)
      problems.push({
        file: index,
        text: `it places the tensor ${tensor} in ${name}, which does not hold it`,
      });
    if (problems.length > 0) break; // one is told; thousands of tensors would say the same
  }
  return problems;
}

/**
 * Holds the shards of a pulled snapshot against their own headers and the index against the shards: bytes that are the
 * hub's own to the last bit can still be a checkpoint that no engine loads. Throws STEP_MODEL_INCOMPLETE.
 */
export async function checkPulledFiles(
  dir: string,
  wanted: readonly RepoFile[],
  listing: readonly RepoFile[],
): Promise<void> {
  const problems: Found[] = [];
  const shards = new Map<string, ReadonlyMap<string, TensorEntry>>();
  for (const { path } of wanted) {
    if (!path.endsWith('.safetensors')) continue;
    const header = await readShardHeader(join(dir, path));
    if (header.kind === 'good') shards.set(path, header.tensors);
    else problems.push({ file: path, text: header.text });
  }
  const listed = new Set(listing.map(({ path }) => path));
  for (const { path } of wanted)
    if (path.endsWith(indexEnding)) problems.push(...(await indexProblems(dir, path, listed, shards)));
  const [first] = problems;
  if (first === undefined) return;
  throw new StepError('STEP_MODEL_INCOMPLETE', {
    verdict: `${first.file} is what the hub declares, and not a file that an engine can load`,
    reason: `${first.text}${
      problems.length === 1
        ? ''
        : `; ${problems.length - 1} more: ${problems
            .slice(1)
            .map(({ file }) => file)
            .join(', ')}`
    }; no ref points at this snapshot`,
    next: `tell the repository's owner; to pull the rest: --exclude ${JSON.stringify(first.file)}`,
    details: { problems },
  });
}
