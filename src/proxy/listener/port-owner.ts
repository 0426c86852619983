import { readdir, readFile, readlink } from 'node:fs/promises';

/** State field of /proc/net/tcp for a listening socket. */
const listening = '0A';

/** Inodes of the sockets that listen on a port, from the text of /proc/net/tcp or tcp6. Pure. */
export function listeningInodes(table: string, port: number): string[] {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  const rows = table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/));
  return rows
    .filter((row) => row[3] === listening && row[1]?.endsWith(`:${hexPort}`))
    .map((row) => row[9] ?? '');
}

async function holdsSocket(pid: string, inodes: ReadonlySet<string>): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  // Other users' processes cannot be looked into: they are simply not found.
  const descriptors = await readdir(folder).catch(() => []);
  const links = await Promise.all(descriptors.map((fd) => readlink(`${folder}/${fd}`).catch(() => '')));
  return links.some((link) => inodes.has(/^socket:\[(\d+)\]$/.exec(link)?.[1] ?? ''));
}

/** Who listens on a TCP port of this machine; null where /proc does not tell. Best effort, Linux only. */
export async function findPortOwner(port: number): Promise<{ pid: number; command: string } | null> {
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((path) => readFile(path, 'utf8').catch(() => '')),
  );
  const inodes = new Set(tables.flatMap((table) => listeningInodes(table, port)));
  if (inodes.size === 0) return null;
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    if (!(await holdsSocket(pid, inodes))) continue;
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    const words = line.split('\0').filter((word) => word !== '');
    // Program and first argument only: what follows may be a secret.
    return { pid: Number(pid), command: words.slice(0, 2).join(' ').slice(0, 200) };
  }
  return null;
}
