import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A process as far as the doctor looks at it. */
export interface ProcessFacts {
  readonly pid: number;
  readonly ppid: number;
  /** Its command line, or the title it gave itself. */
  readonly command: string;
  /** First 12 digits of the container it runs in; null outside of one. */
  readonly container: string | null;
}

const read = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');

/** `…/docker-<64 hex>.scope`, `/docker/<64 hex>`, and the same of containerd and podman. */
export const containerOf = (cgroup: string): string | null =>
  /(?:docker|containerd|libpod|cri)[-/:].*?([0-9a-f]{12})[0-9a-f]{52}/.exec(cgroup)?.[1] ?? null;

async function readOne(proc: string, pid: number): Promise<ProcessFacts | null> {
  const stat = await read(join(proc, String(pid), 'stat'));
  // The name (field 2) may hold blanks and brackets: count from the last bracket.
  const [state, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (state === undefined || state === '' || state === 'Z' || state === 'X') return null;
  const [command, cgroup] = await Promise.all([
    read(join(proc, String(pid), 'cmdline')),
    read(join(proc, String(pid), 'cgroup')),
  ]);
  const text = command.replaceAll('\0', ' ').trim();
  return { pid, ppid: Number(ppid), command: text, container: containerOf(cgroup) };
}

/** One process; null where it is gone or another namespace's. */
export const readProcessFacts = (root: string, pid: number): Promise<ProcessFacts | null> =>
  readOne(join(root, 'proc'), pid);

/** Every living process below `root`/proc; empty where there is none. */
export async function readProcesses(root: string): Promise<ProcessFacts[]> {
  const proc = join(root, 'proc');
  const pids = (await readdir(proc).catch(() => [])).filter((name) => /^\d+$/.test(name));
  const rows = await Promise.all(pids.map((pid) => readOne(proc, Number(pid))));
  return rows.filter((row) => row !== null);
}

const isEnginePart = (row: ProcessFacts): boolean => row.command.startsWith('VLLM::');

/**
 * Parts of an engine (EngineCore, Worker) whose server is gone: their parent is neither another part nor a Python or
 * vllm process. `kill -9` of the API server alone leaves them, with the GPU memory (vllm#47266). Pure.
 */
export function findOrphans(rows: readonly ProcessFacts[]): ProcessFacts[] {
  const byPid = new Map(rows.map((row) => [row.pid, row]));
  const isServed = (row: ProcessFacts): boolean => {
    const parent = byPid.get(row.ppid);
    if (parent === undefined || parent.pid === row.pid) return false;
    return isEnginePart(parent) ? isServed(parent) : /python|vllm/i.test(parent.command);
  };
  return rows.filter((row) => isEnginePart(row) && !isServed(row));
}
