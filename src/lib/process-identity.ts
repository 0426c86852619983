import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';

/** Names one process for good: a pid alone is reused, pid and start time are not (proc(5), field 22 of stat). */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks after boot when it started; null where there is no /proc. */
  readonly startTicks: string | null;
  readonly host: string;
}

/** Start time of a process that runs; null where there is no /proc, `dead` for one that ended and was not yet waited for. */
async function readStartTicks(pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The command name (field 2) may hold blanks and brackets: count from the last bracket.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie still answers kill(pid, 0); where nobody reaps (a container without init) it stays for good.
    return state === 'Z' || state === 'X' ? 'dead' : (fields[18] ?? null);
  } catch {
    return null;
  }
}

export async function identifyProcess(pid: number = process.pid): Promise<ProcessIdentity> {
  return { pid, startTicks: await readStartTicks(pid), host: hostname() };
}

/** True while exactly that process runs. One of another host counts as alive: nobody here can know. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  if (identity.host !== hostname()) return true;
  try {
    process.kill(identity.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  const ticks = await readStartTicks(identity.pid);
  if (ticks === 'dead') return false;
  return identity.startTicks === null || ticks === null || ticks === identity.startTicks;
}
