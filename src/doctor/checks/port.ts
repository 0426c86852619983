import { readdir, readFile, readlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { type Check, fail, pass, warn } from '../types.ts';

const split = (listen: string): { host: string; port: number } => {
  const at = listen.lastIndexOf(':');
  return { host: listen.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(listen.slice(at + 1)) };
};

/** Binds for a moment; the error code where that fails, null where it works. */
const tryListen = (host: string, port: number): Promise<string | null> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });

/** Inodes of sockets that listen on a port, from the kernel's own table. */
async function listeningInodes(port: number): Promise<Set<string>> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFile(file, 'utf8').catch(() => '')),
  );
  const inodes = tables.flatMap((table) =>
    table.split('\n').flatMap((line) => {
      const cells = line.trim().split(/\s+/);
      const listens = cells[1]?.endsWith(`:${hex}`) === true && cells[3] === '0A';
      return listens && cells[9] !== undefined ? [cells[9]] : [];
    }),
  );
  return new Set(inodes);
}

const socketsOf = async (pid: string): Promise<string[]> => {
  const names = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const links = await Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')));
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
};

/** `python3 (pid 812)` of the process that listens on a TCP port; null where it is another user's or not Linux. */
export async function findPortHolder(port: number): Promise<string | null> {
  const wanted = await listeningInodes(port);
  if (wanted.size === 0) return null;
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    if ((await socketsOf(pid)).some((inode) => wanted.has(inode))) {
      const command = (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => 'unknown')).trim();
      return `${command} (pid ${pid})`;
    }
  }
  return null;
}

export const portCheck: Check = {
  id: 'port',
  title: 'Front door',
  run: async ({ stack }) => {
    const { listen } = stack.proxy;
    const { host, port } = split(listen);
    const code = await tryListen(host, port);
    if (code === null) return pass(`${listen} is free`);
    if (code === 'EADDRINUSE') {
      const holder = (await findPortHolder(port)) ?? 'a process of another user';
      return fail(
        `${listen} is taken by ${holder}`,
        'stepctl status tells whether it is stepctl itself; else --set proxy.listen=127.0.0.1:PORT',
      );
    }
    if (code === 'EACCES')
      return fail(`${listen}: ports below 1024 need a privilege`, '--set proxy.listen=127.0.0.1:8000');
    if (code === 'EADDRNOTAVAIL')
      return fail(`${host} is no address of this machine`, '--set proxy.listen=127.0.0.1:8000');
    return warn(`${listen}: ${code}`, 'try another proxy.listen');
  },
};
