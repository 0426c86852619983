import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { identifyProcess, isAlive, type ProcessIdentity } from './process-identity.ts';

export interface OwnerLock {
  /** Gives it up; only the holder's own file is removed. Idempotent. */
  release(): Promise<void>;
}

/** Who holds a lock file, or null: absent, torn, or its owner is dead. */
export async function lockHolder(path: string): Promise<ProcessIdentity | null> {
  try {
    const identity = JSON.parse(await readFile(path, 'utf8')) as ProcessIdentity;
    return typeof identity.pid === 'number' && (await isAlive(identity)) ? identity : null;
  } catch {
    return null;
  }
}

/**
 * Takes the lock file at `path` or says who has it. The file names its owner by pid and start time, so a dead
 * owner's lock is taken over; no flock, which "succeeds" silently on some network file systems.
 */
export async function takeOwnerLock(path: string): Promise<OwnerLock | { readonly heldBy: ProcessIdentity }> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const mine = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const text = JSON.stringify(await identifyProcess());
  await writeFile(mine, text, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 5; attempt += 1) {
      try {
        // link() is atomic and fails when the name exists: no reader ever sees a half-written lock.
        await link(mine, path);
        return { release: () => releaseLock(path, text) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const holder = await lockHolder(path);
      if (holder !== null) return { heldBy: holder };
      await removeStale(path, `${mine}.stale`);
    }
    throw new Error(`the lock ${path} changes hands too fast`);
  } finally {
    await rm(mine, { force: true });
  }
}

/** Takes a dead owner's file away; gives it back when another process replaced it between the look and the move. */
async function removeStale(path: string, aside: string): Promise<void> {
  await rename(path, aside).catch(() => undefined);
  if ((await lockHolder(aside)) !== null) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

async function releaseLock(path: string, text: string): Promise<void> {
  const now = await readFile(path, 'utf8').catch(() => null);
  if (now === text) await rm(path, { force: true });
}
