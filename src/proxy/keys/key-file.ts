import { readFileSync, statSync, type Stats } from 'node:fs';
import { z } from 'zod';
import { StepError, writeFileAtomic } from '../../lib/index.ts';

const recordSchema = z.strictObject({
  id: z.string().regex(/^[a-z][a-z0-9]{3,15}$/),
  /** Hex SHA-256 of the whole key. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  name: z.string(),
  scopes: z.array(z.string()),
  /** ms since the epoch. */
  createdAt: z.number().int(),
  disabled: z.boolean(),
});
const fileSchema = z.strictObject({ schema: z.literal('stepctl/keys-file/1'), keys: z.array(recordSchema) });

export type StoredKey = z.infer<typeof recordSchema>;

/** Changes whenever the file is replaced or written: the parts of stat that tell. */
export const stampOf = (stat: Stats): string => `${stat.ino}:${stat.mtimeMs}:${stat.size}`;

/** What is on disk now; a missing file has no keys and no stamp. Throws STEP_PROXY_KEY_FILE. Synchronous: a few kB, read on change only. */
export function readKeyFile(path: string): {
  readonly keys: readonly StoredKey[];
  readonly stamp: string | null;
} {
  try {
    const stat = statSync(path);
    if ((stat.mode & 0o022) !== 0)
      throw new Error(`others may write it (mode ${(stat.mode & 0o777).toString(8)})`);
    const file = fileSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
    return { keys: file.keys, stamp: stampOf(stat) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { keys: [], stamp: null };
    throw new StepError('STEP_PROXY_KEY_FILE', {
      verdict: `the file of keys ${path} cannot be used`,
      reason: error instanceof z.ZodError ? z.prettifyError(error) : String((error as Error).message),
      next: `chmod 600 ${path}, or move it away and make new keys: stepctl keys create NAME`,
      cause: error,
    });
  }
}

export const writeKeyFile = (path: string, keys: readonly StoredKey[]): Promise<void> =>
  writeFileAtomic(path, `${JSON.stringify({ schema: 'stepctl/keys-file/1', keys }, null, 2)}\n`);
