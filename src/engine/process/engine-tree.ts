import type { ProcessRow } from './process-table.ts';

/** By what the processes of one engine are known. */
export interface TreeIdentity {
  /** Value of the environment mark: found even when no record was written. */
  readonly mark: string;
  /** The engine's private folder, working directory of its processes; null when unknown. */
  readonly runDir: string | null;
  /** Main process, which is also its session and process group; null when unknown. */
  readonly leader: { readonly pid: number; readonly startTicks: string } | null;
}

const hasCwd = (row: ProcessRow, runDir: string | null): boolean =>
  runDir !== null && row.cwd !== null && (row.cwd === runDir || row.cwd === `${runDir} (deleted)`);

const isSeed = (row: ProcessRow, identity: TreeIdentity): boolean =>
  row.mark === identity.mark ||
  hasCwd(row, identity.runDir) ||
  (identity.leader?.pid === row.pid && identity.leader.startTicks === row.startTicks);

/**
 * All living processes of an engine, its orphans included. Pure.
 *
 * No single sign is enough: a child that changed session is not in the group, an orphan has lost its parent, and
 * vLLM's EngineCore and Worker set a process title that overwrites their environment block, so /proc shows no mark
 * (seen on 0.16.0 and 0.32.0). So: marked or in the private folder or the very leader; then the session of the leader
 * when one of those is in it (a session number is not reused while it has members); then all descendants.
 */
export function findEngineTree(
  rows: readonly ProcessRow[],
  identity: TreeIdentity,
  self: number = process.pid,
): ProcessRow[] {
  const alive = rows.filter((row) => !row.isZombie && row.pid !== self && row.pid > 1);
  const found = new Map(alive.filter((row) => isSeed(row, identity)).map((row) => [row.pid, row]));
  const session = identity.leader?.pid ?? null;
  if (session !== null && [...found.values()].some((row) => row.sid === session)) {
    for (const row of alive) if (row.sid === session) found.set(row.pid, row);
  }
  for (let grew = true; grew;) {
    grew = false;
    for (const row of alive) {
      if (found.has(row.pid) || !found.has(row.ppid)) continue;
      found.set(row.pid, row);
      grew = true;
    }
  }
  return [...found.values()];
}
