import { randomUUID } from 'node:crypto';
import { link, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { type Clock, type Reporter, StepError } from '../../lib/index.ts';
import type { RepoFolders } from '../cache/layout.ts';
import { namedDiskError } from './disk-error.ts';

const ownerSchema = z.object({
  schema: z.literal('stepctl/owner/1'),
  id: z.string(),
  pid: z.number().int(),
  host: z.string(),
  /** Start of the process in clock ticks since boot (field 22 of /proc/PID/stat): pids are used again. */
  started: z.string().nullable(),
  since: z.string(),
});

export type Owner = z.infer<typeof ownerSchema>;

/** Held by the one process that writes a repository's partials. */
export interface OwnerLock {
  release(): Promise<void>;
}

// A living owner touches the file this often; another host believes it dead after the longer time.
const heartbeatMs = 5000;
const foreignSilenceMs = 90_000;
const pollMs = 500;

/** What the lock file's state means for one who wants it; `silentMs` is how long its heartbeat was watched not moving. */
export function judgeOwner(
  owner: Owner | null,
  here: { readonly host: string; readonly silentMs: number; readonly startOf: string | null },
): 'alive' | 'dead' {
  // Torn by a crash at its birth, or of another version: only silence proves that nobody is behind it.
  if (owner === null || owner.host !== here.host) return here.silentMs > foreignSilenceMs ? 'dead' : 'alive';
  return here.startOf !== null && (owner.started === null || owner.started === here.startOf)
    ? 'alive'
    : 'dead';
}

/** Start time of a living process; null when there is none with this pid. */
async function startOf(pid: number): Promise<string | null> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch {
    try {
      process.kill(pid, 0); // no /proc here: the pid alone has to do
      return process.platform === 'linux' ? null : 'unknown';
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EPERM' ? 'unknown' : null;
    }
  }
}

async function readOwner(
  path: string,
): Promise<{ owner: Owner | null; text: string; mtimeMs: number } | null> {
  try {
    const [text, { mtimeMs }] = [await readFile(path, 'utf8'), await stat(path)];
    try {
      return { owner: ownerSchema.parse(JSON.parse(text)), text, mtimeMs };
    } catch {
      return { owner: null, text, mtimeMs };
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function tryCreate(path: string, mine: Owner): Promise<boolean> {
  // Written whole under another name, then linked: nobody sees a lock without its owner.
  const draft = `${path}.${mine.id}`;
  const file = await open(draft, 'wx', 0o644);
  try {
    await file.writeFile(`${JSON.stringify(mine)}\n`);
  } finally {
    await file.close();
  }
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Removes a dead owner's file, and only that one: of several that try, one finds it under the name it gave. */
async function bury(path: string, deadText: string, id: string): Promise<void> {
  const grave = `${path}.${id}.dead`;
  try {
    await rename(path, grave);
    if ((await readFile(grave, 'utf8')) !== deadText) await link(grave, path).catch(() => {});
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  } finally {
    await rm(grave, { force: true });
  }
}

const describeOwner = (owner: Owner | null): string =>
  owner === null ? 'an unknown process' : `process ${owner.pid} on ${owner.host} since ${owner.since}`;

/**
 * Takes the repository's lock, waiting for a living owner (and saying who it is) and taking over from a dead one.
 * `wait: false` throws STEP_MODEL_LOCKED instead of waiting.
 */
export async function takeOwnerLock(
  folders: RepoFolders,
  options: {
    readonly repo: string;
    readonly wait: boolean;
    readonly clock: Clock;
    readonly reporter: Reporter;
    readonly signal: AbortSignal;
  },
): Promise<OwnerLock> {
  const path = join(folders.own, 'owner.json');
  const since = new Date(options.clock.now()).toISOString();
  const mine: Owner = {
    schema: 'stepctl/owner/1',
    id: randomUUID(),
    pid: process.pid,
    host: hostname(),
    started: await startOf(process.pid),
    since,
  };
  let watched = { text: '', mtimeMs: 0, atMs: options.clock.monotonicMs() };
  for (;;) {
    if (
      await tryCreate(path, mine).catch((error: unknown) => {
        throw namedDiskError(error, path);
      })
    )
      return holdLock(path, mine);
    const found = await readOwner(path);
    if (found === null) continue;
    if (found.text !== watched.text || found.mtimeMs !== watched.mtimeMs) {
      if (found.text !== watched.text)
        options.reporter.stage('lock', `${describeOwner(found.owner)} holds ${options.repo}`);
      watched = { text: found.text, mtimeMs: found.mtimeMs, atMs: options.clock.monotonicMs() };
    }
    const silentMs = options.clock.monotonicMs() - watched.atMs;
    const started = found.owner === null ? null : await startOf(found.owner.pid);
    if (judgeOwner(found.owner, { host: mine.host, silentMs, startOf: started }) === 'dead') {
      options.reporter.stage('lock', `${describeOwner(found.owner)} is gone: going on from what it left`);
      await bury(path, found.text, mine.id);
      continue;
    }
    if (!options.wait) throw lockedError(options.repo, found.owner);
    await options.clock.sleep(pollMs, options.signal);
  }
}

function lockedError(repo: string, owner: Owner | null): StepError {
  return new StepError('STEP_MODEL_LOCKED', {
    verdict: `${repo} is being pulled already`,
    reason: `${describeOwner(owner)} holds it`,
    next: 'wait for it to end, or stop it; then run the command again',
    details: owner === null ? {} : { pid: owner.pid, host: owner.host, since: owner.since },
  });
}

function holdLock(path: string, mine: Owner): OwnerLock {
  const beat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {});
  }, heartbeatMs);
  beat.unref();
  return {
    release: async () => {
      clearInterval(beat);
      const found = await readOwner(path).catch(() => null);
      if (found?.owner?.id === mine.id) await rm(path, { force: true });
    },
  };
}
