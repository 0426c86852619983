import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type Clock, type Reporter, StepError, systemClock } from '../../lib/index.ts';
import type { RepoFolders } from '../cache/layout.ts';
import { readVerified, stampOf, writeVerified } from '../cache/verified.ts';
import { createHashPool } from '../hash/pool.ts';
import { type CheckpointProblem, readCheckpoint } from '../inspect/checkpoint.ts';
import type { FilePatterns } from '../types.ts';
import { type HashTarget, hashTargets } from './hash-targets.ts';
import { cacheSubject, type Expected, folderSubject, type Subject } from './subject.ts';
import { summarise, type VerifyReport, type VerifyRow } from './report.ts';

export interface VerifySettings {
  /** quick: sizes, safetensors headers, index. full: every hash that is known, too. */
  readonly mode: 'quick' | 'full';
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  readonly clock?: Clock;
  /** What the person types to run the verification again, for messages. */
  readonly command?: string;
}

// More would only ask the disk for more streams at once.
const maxWorkers = 16;

/** A model in the Hugging Face cache, or a folder as it is (then its own index is all there is to compare with). */
export type VerifyOptions = VerifySettings &
  (
    | {
        readonly repo: string;
        readonly revision: string;
        readonly cacheDir: string;
        readonly patterns?: FilePatterns;
      }
    | { readonly dir: string }
  );

/**
 * Verifies a model on disk and returns a row a file; what is wrong is in the report, not thrown. Throws
 * STEP_MODEL_NOT_CACHED or STEP_MODEL_FOLDER when there is nothing to look at, STEP_INTERRUPTED on abort.
 */
export async function verifyModel(options: VerifyOptions): Promise<VerifyReport> {
  const clock = options.clock ?? systemClock;
  const startedMs = clock.monotonicMs();
  const subject = 'dir' in options ? await folderSubject(options.dir) : await cacheSubject(options);
  const problems = await structureProblems(subject);
  const rows: VerifyRow[] = [];
  for (const expected of subject.expected)
    rows.push(await quickRow(subject.dir, expected, problems.get(expected.path)));
  // A shard that the index names and nothing else knows of.
  for (const [file, problem] of problems)
    if (!rows.some((row) => row.path === file)) rows.push(problemRow(problem, null));
  if (options.mode === 'full') await proveRows(options, subject, rows, clock);
  const elapsedMs = Math.round(clock.monotonicMs() - startedMs);
  return summarise(
    {
      subject: subject.name,
      dir: subject.dir,
      commit: subject.commit,
      mode: options.mode,
      elapsedMs,
      repaired: null,
    },
    rows,
  );
}

async function structureProblems(subject: Subject): Promise<Map<string, CheckpointProblem>> {
  // A repository of other things (a tokenizer, say) has no config.json; then there is no structure to check.
  if (!subject.expected.some(({ path }) => path === 'config.json')) return new Map();
  const checkpoint = await readCheckpoint(subject.dir).catch(
    (error: unknown): { problems: CheckpointProblem[] } => {
      const text = error instanceof StepError ? (error.reason ?? error.verdict) : String(error);
      return { problems: [{ file: 'config.json', problem: 'header', text }] };
    },
  );
  return new Map(checkpoint.problems.toReversed().map((problem) => [problem.file, problem]));
}

const problemRow = (problem: CheckpointProblem, sizeBytes: number | null): VerifyRow => ({
  path: problem.file,
  sizeBytes,
  status: problem.problem,
  proof: 'header',
  detail: problem.text,
});

async function quickRow(
  dir: string,
  expected: Expected,
  problem: CheckpointProblem | undefined,
): Promise<VerifyRow> {
  const { path } = expected;
  const size = await stat(join(dir, path)).then(
    (s) => s.size,
    () => null,
  );
  if (size === null)
    return { path, sizeBytes: null, status: 'missing', proof: 'none', detail: 'the file is not there' };
  if (expected.sizeBytes !== null && size !== expected.sizeBytes)
    return {
      path,
      sizeBytes: size,
      status: 'wrong-size',
      proof: 'size',
      detail: `${size} bytes, the hub declares ${expected.sizeBytes}`,
    };
  if (problem !== undefined) return problemRow(problem, size);
  const proof = path.endsWith('.safetensors') ? 'header' : expected.sizeBytes === null ? 'none' : 'size';
  return { path, sizeBytes: size, status: 'ok', proof, detail: null };
}

/** Hashes every file that is right so far and has a known hash; rows are replaced in place. */
async function proveRows(
  options: VerifyOptions,
  subject: Subject,
  rows: VerifyRow[],
  clock: Clock,
): Promise<void> {
  const targets = rows.flatMap((row, index): (HashTarget & { index: number })[] => {
    const hash = subject.expected.find(({ path }) => path === row.path)?.hash ?? null;
    if (row.status !== 'ok' || hash === null || row.sizeBytes === null) return [];
    return [
      {
        index,
        path: join(subject.dir, row.path),
        sizeBytes: row.sizeBytes,
        algorithm: hash.algorithm,
        expected: hash.expected,
      },
    ];
  });
  const workers = Math.min(maxWorkers, availableParallelism());
  const pool = createHashPool(workers);
  try {
    const results = await hashTargets(pool, targets, {
      reporter: options.reporter,
      signal: options.signal,
      clock,
      workers,
      command: options.command ?? 'stepctl verify --full',
    });
    for (const [at, target] of targets.entries()) {
      const row = rows[target.index];
      const result = results[at];
      if (row === undefined || result === undefined) continue;
      rows[target.index] = { ...row, proof: target.algorithm, ...result };
    }
    if (subject.folders !== null) await rememberProved(subject.folders, rows, subject.expected);
  } finally {
    await pool.close();
  }
}

/** A later pull need not hash again what was proved here; what proved wrong is forgotten. */
async function rememberProved(
  folders: RepoFolders,
  rows: readonly VerifyRow[],
  expected: readonly Expected[],
): Promise<void> {
  const verified = await readVerified(folders);
  for (const row of rows) {
    const etag = expected.find(({ path }) => path === row.path)?.hash?.expected;
    if (etag === undefined) continue;
    const stamp = row.status === 'ok' ? await stampOf(join(folders.blobs, etag)) : null;
    if (stamp === null) verified.delete(etag);
    else verified.set(etag, stamp);
  }
  await writeVerified(folders, verified).catch(() => {}); // a read-only cache: it only spares a later hash
}
