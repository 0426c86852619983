import { readdir, readlink } from 'node:fs/promises';
import { basename, dirname, join, parse, relative } from 'node:path';
import { instanceDir, StepError } from '../../lib/index.ts';
import type { Lock, ResolvedStack } from '../../stack/index.ts';
import type { Stack } from '../../stack/schema.ts';
import type { CompiledServe } from '../../vllm/types.ts';
import type { Context } from '../context.ts';
import { readVersion } from '../version.ts';
import type { Artefact } from './artefact.ts';
import type { LiveStatus } from './live-status.ts';
import type { ModelOnDisk } from './model-stage.ts';

export interface OpenLock {
  readonly file: string;
  readonly lock: Lock | null;
  /** The stack as it was declared: what the lock compares. */
  readonly declared: Stack;
  /** The stack with what the lock pins of it: the model's commit, the base image's digest. */
  readonly stack: Stack;
  readonly frozen: boolean;
  /** False where only CI's presence froze: nothing is written there. */
  readonly mayWrite: boolean;
}

/** Beside the stack file, with its name; without a stack file in the instance's folder, one a profile. */
export const lockFileOf = (context: Context, { file, stack }: ResolvedStack): string =>
  file === null
    ? join(instanceDir(context.instance, context.env), `${stack.profile}.lock`)
    : join(dirname(file), `${parse(file).name}.lock`);

/** Reads the lock before anything else is done. `asked` null: frozen where CI is set. Throws STEP_STACK_LOCK_*. */
export async function openLock(
  context: Context,
  resolved: ResolvedStack,
  asked: boolean | null,
): Promise<OpenLock> {
  const { readLock } = await import('../../stack/index.ts');
  const file = lockFileOf(context, resolved);
  const lock = await readLock(file);
  const isCi = !['', '0', 'false'].includes(context.env['CI'] ?? '');
  if (lock === null && asked === true)
    throw new StepError('STEP_STACK_LOCK_MISSING', {
      verdict: `there is no lock ${file}`,
      reason: '--frozen runs only what a lock pins',
      next: 'stepctl lock, with the same stack',
    });
  const stack = lock === null ? resolved.stack : pin(resolved.stack, lock);
  const declared = resolved.stack;
  return { file, lock, declared, stack, frozen: asked ?? isCi, mayWrite: asked === false || !isCi };
}

/** What the stack leaves open and the lock has settled. A stack that names something else is left alone. Pure. */
export function pin(stack: Stack, lock: Lock): Stack {
  const { model, engine } = stack;
  const isSameModel = lock.model.repo === model.repo && lock.model.revision === model.revision;
  // The carried hub has one commit, which comes with stepctl.
  const commit = isSameModel && model.hub !== 'builtin' ? lock.model.commit : null;
  const image = lock.engine.image;
  const digest = image?.reference === engine.image ? image?.digest : null;
  return {
    ...stack,
    model: commit === null ? model : { ...model, revision: commit },
    engine: digest == null ? engine : { ...engine, image: `${engine.image?.split('@')[0] ?? ''}@${digest}` },
  };
}

export interface LockParts {
  readonly artefact: Artefact;
  readonly model: ModelOnDisk;
  readonly compiled: CompiledServe;
}

/** Everything that is about to run, as a lock. `declared` is the stack before it was pinned. */
export async function makeLock(declared: Stack, parts: LockParts): Promise<Lock> {
  const { redactArgs, redactEnv, sealLock } = await import('../../stack/index.ts');
  const { artefact, model, compiled } = parts;
  const { driver, vllm, package: name } = declared.engine;
  const [serve = 'serve', _path, ...rest] = compiled.args;
  return sealLock({
    schema: 'stepctl/lock/1',
    stepctl: readVersion(),
    madeAt: new Date().toISOString(),
    profile: declared.profile,
    engine: {
      driver,
      vllm,
      package: name,
      image:
        artefact.pins === null
          ? null
          : { ...artefact.pins, reference: declared.engine.image ?? artefact.pins.reference },
      environment: driver === 'process' && artefact.name !== null ? basename(artefact.name) : null,
    },
    patches: (artefact.proof?.patches ?? []).map(({ id, outcome, hash, files }) => ({
      id,
      outcome,
      hash,
      files,
    })),
    emulation: artefact.emulation,
    model: {
      repo: declared.model.repo,
      path: declared.model.path,
      revision: declared.model.revision,
      commit: model.commit,
      sizeBytes: model.bytes,
      files: model.commit === null ? [] : await snapshotFiles(model.path),
    },
    // The model's place differs from machine to machine; what it is stands above.
    serve: { args: [serve, 'MODEL', ...redactArgs([...rest])], env: redactEnv(compiled.env) },
  });
}

/** A snapshot of the cache is links whose targets are named by the hub's own hash of the file. */
async function snapshotFiles(folder: string): Promise<Lock['model']['files']> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const links = entries.filter((entry) => entry.isSymbolicLink());
  const files = await Promise.all(
    links.map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      return { path: relative(folder, path), hash: basename(await readlink(path)) };
    }),
  );
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** The first proof. Writes the lock where there is none; throws STEP_STACK_LOCK_DIFFERS where frozen; else warns. */
export async function holdAgainstLock(
  context: Context,
  open: OpenLock,
  parts: LockParts,
  live: Pick<LiveStatus, 'lockFact'>,
): Promise<void> {
  const { compareLocks, writeLock } = await import('../../stack/index.ts');
  const now = await makeLock(open.declared, parts);
  if (open.lock === null) {
    if (open.mayWrite) await writeLock(open.file, now);
    const said = open.mayWrite
      ? `written: ${open.file}`
      : 'there is none, and none is written where CI is set';
    if (open.mayWrite) context.reporter.stage('lock', said);
    live.lockFact = { name: 'lock', verdict: open.mayWrite ? 'yes' : 'open', said };
    return;
  }
  const rows = compareLocks(open.lock, now);
  if (rows.length === 0) {
    const said = `${now.patches.length} patches and all else are as ${open.file} says`;
    live.lockFact = { name: 'lock', verdict: 'yes', said };
    return;
  }
  const shown = rows.slice(0, 6).map((row) => `${row.key}: locked ${row.locked}, now ${row.now}`);
  const reason =
    shown.join('\n') + (rows.length > shown.length ? `\nand ${rows.length - shown.length} more` : '');
  live.lockFact = { name: 'lock', verdict: 'no', said: shown.join('; ') };
  if (open.frozen)
    throw new StepError('STEP_STACK_LOCK_DIFFERS', {
      verdict: `proof 1 of 3 (lock) failed: what would run is not what ${open.file} says`,
      reason,
      next: 'stepctl lock accepts it; --no-frozen runs it once',
      details: { proof: 'lock', file: open.file, differences: rows },
    });
  context.reporter.warn(`differs from ${open.file} (stepctl lock accepts it):\n${reason}`);
}
