import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { markName } from './environment.ts';

/** One row of /proc, as far as ownership needs it. */
export interface ProcessRow {
  readonly pid: number;
  readonly ppid: number;
  readonly pgid: number;
  readonly sid: number;
  /** Clock ticks after boot: pid and this name a process for good. */
  readonly startTicks: string;
  /** Dead, waiting for its parent to read the exit code. */
  readonly isZombie: boolean;
  /** Value of the mark in its environment; null without one or where vLLM overwrote it. */
  readonly mark: string | null;
  readonly cwd: string | null;
}

/** Fields of /proc/PID/stat; the command name (field 2) may hold blanks and brackets, so count from the last one. */
export function parseStat(text: string): Omit<ProcessRow, 'mark' | 'cwd'> | null {
  const pid = Number.parseInt(text, 10);
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, ppid, pgid, sid] = fields;
  const startTicks = fields[19];
  if (Number.isNaN(pid) || startTicks === undefined) return null;
  return {
    pid,
    ppid: Number(ppid),
    pgid: Number(pgid),
    sid: Number(sid),
    startTicks,
    isZombie: state === 'Z' || state === 'X',
  };
}

const markOf = (environ: string): string | null => {
  for (const entry of environ.split('\0')) {
    if (entry.startsWith(`${markName}=`)) return entry.slice(markName.length + 1);
  }
  return null;
};

const attempt = <T>(read: () => T): T | null => {
  try {
    return read();
  } catch {
    // Gone meanwhile, or another user's.
    return null;
  }
};

/** /proc never blocks, and synchronous reads of it cost a third of asynchronous ones. */
function readRow(pid: string): ProcessRow | null {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  const row = stat === null ? null : parseStat(stat);
  if (row === null) return null;
  // Threads of the kernel, half of the table on some machines, have neither.
  if (row.pgid === 0) return { ...row, mark: null, cwd: null };
  const environ = attempt(() => readFileSync(`/proc/${pid}/environ`, 'utf8')) ?? '';
  return { ...row, mark: markOf(environ), cwd: attempt(() => readlinkSync(`/proc/${pid}/cwd`)) };
}

/** Rows read between two turns of the event loop: streams of the proxy share it. */
const rowsPerTurn = 40;

/** Every process of this machine; empty where there is no /proc. */
export async function readProcessTable(): Promise<ProcessRow[]> {
  const pids = (attempt(() => readdirSync('/proc')) ?? []).filter((name) => /^\d+$/.test(name));
  const rows: ProcessRow[] = [];
  for (const [index, pid] of pids.entries()) {
    if (index % rowsPerTurn === rowsPerTurn - 1) await setImmediate();
    const row = readRow(pid);
    if (row !== null) rows.push(row);
  }
  return rows;
}

/** Reads one row again; null when that process is gone. */
export const readProcess = (pid: number): ProcessRow | null => readRow(String(pid));

export async function readBootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')).trim();
}
