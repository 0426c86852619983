import { readdir, readFile, rm } from 'node:fs/promises';
import type { ProcessRow } from './process-table.ts';

const mapped = /\s(\/dev\/shm\/[^\n]+)$/gm;
/** Names that Python's multiprocessing and NCCL make; nothing else is ever unlinked. */
const removable = /^\/dev\/shm\/(psm_|sem\.mp-|nccl-)[\w.-]+$/;

async function mapsOf(pid: number | string): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/maps`, 'utf8').catch(() => '');
  return [...text.matchAll(mapped)].map((match) => match[1] ?? '');
}

/** Shared memory files that these processes map and that an engine makes for itself. */
export async function sharedMemoryOf(rows: readonly ProcessRow[]): Promise<string[]> {
  const lists = await Promise.all(rows.map((row) => mapsOf(row.pid)));
  return lists.flat().filter((path) => removable.test(path));
}

/** Unlinks those that no living process maps any more. */
export async function removeSharedMemory(paths: ReadonlySet<string>): Promise<void> {
  if (paths.size === 0) return;
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const inUse = new Set((await Promise.all(pids.map(mapsOf))).flat());
  for (const path of paths) if (!inUse.has(path)) await rm(path, { force: true });
}
