import { readdir, readFile, readlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { StepError } from '../../lib/index.ts';
import type { Endpoint, ListenerOwner } from '../types.ts';
import { socketName } from './run-dir.ts';

/** How the engine is told to listen: a socket in its private folder, or a loopback port. */
export type ListenPlan =
  | { readonly kind: 'unix' }
  /** `port` null lets the kernel choose a free one. */
  | { readonly kind: 'tcp'; readonly port: number | null };

/** Listens for a moment on 127.0.0.1:port (0: any) and says which port that was. Throws STEP_ENGINE_PORT_TAKEN. */
async function provePortFree(port: number): Promise<number> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      // exclusive: no sharing with a listener that set SO_REUSEPORT, as vLLM itself does.
      server.listen({ host: '127.0.0.1', port, exclusive: true }, resolve);
    });
  } catch (error) {
    throw new StepError('STEP_ENGINE_PORT_TAKEN', {
      verdict: `port ${port} on 127.0.0.1 is taken`,
      reason:
        'vLLM binds late and shares ports (SO_REUSEPORT): until then the other listener would answer in its place',
      next: `ss -ltnp sport = :${port}`,
      cause: error,
    });
  }
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : port;
}

/** Where the engine will answer. */
export async function planEndpoint(plan: ListenPlan, runDir: string): Promise<Endpoint> {
  if (plan.kind === 'unix') return { kind: 'unix', path: join(runDir, socketName) };
  return { kind: 'tcp', host: '127.0.0.1', port: await provePortFree(plan.port ?? 0) };
}

/** Flags of `vllm serve` for it; `--uds` is known since before 0.15.1 and was seen working on 0.16.0 and 0.32.0. */
export const listenFlags = (endpoint: Endpoint): string[] =>
  endpoint.kind === 'unix'
    ? ['--uds', endpoint.path]
    : ['--host', endpoint.host, '--port', String(endpoint.port)];

/** Socket inodes that listen on a port, from the text of /proc/net/tcp or tcp6 (state 0A, local port in hex). */
export function listeningInodes(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const inodes: string[] = [];
  for (const line of table.split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/);
    if (fields[1]?.endsWith(suffix) === true && fields[3] === '0A' && fields[9] !== undefined)
      inodes.push(fields[9]);
  }
  return inodes;
}

async function socketsOf(pid: number): Promise<string[]> {
  const names = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const links = await Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')));
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
}

/** Who listens on a loopback port: only these processes, somebody else (too), or nobody. */
export async function findListenerOwner(port: number, pids: readonly number[]): Promise<ListenerOwner> {
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8').catch(() => '')),
  );
  const inodes = tables.flatMap((table) => listeningInodes(table, port));
  if (inodes.length === 0) return 'nobody';
  const ours = new Set((await Promise.all(pids.map(socketsOf))).flat());
  return inodes.every((inode) => ours.has(inode)) ? 'ours' : 'stranger';
}
