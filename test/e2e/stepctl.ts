import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const main = resolve(import.meta.dirname, '../../src/main.ts');

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running command whose output can be waited for. */
export interface Started {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  /** Resolves with the output so far once `pattern` stands in stdout or stderr; rejects when the command ends first. */
  until(pattern: RegExp): Promise<string>;
}

/** A machine of its own for stepctl: own XDG folders, own free port, nothing of the user's. */
export interface Sandbox {
  readonly env: Record<string, string>;
  readonly dir: string;
  readonly port: number;
  start(...args: string[]): Started;
  run(...args: string[]): Promise<Finished>;
  /** Stops what may still be up and removes the folders. */
  close(): Promise<void>;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** `shared` names a data folder that outlives the sandbox: environments and models are slow to make. */
export async function openSandbox(shared?: string): Promise<Sandbox> {
  const dir = await mkdtemp(join(tmpdir(), 'stepctl-e2e-'));
  const port = await freePort();
  const env: Record<string, string> = {
    ...(Object.fromEntries(
      Object.entries(process.env).filter(
        ([name, value]) => value !== undefined && !name.startsWith('STEPCTL_'),
      ),
    ) as Record<string, string>),
    // Dozens of short commands: what Node compiled for one is there for the next.
    NODE_COMPILE_CACHE: join(tmpdir(), 'stepctl-test-compile-cache'),
    XDG_CONFIG_HOME: join(dir, 'config'),
    XDG_DATA_HOME: shared ?? join(dir, 'data'),
    XDG_STATE_HOME: join(dir, 'state'),
    STEPCTL_PROXY_LISTEN: `127.0.0.1:${port}`,
  };
  const start = (...args: string[]): Started => startCommand(args, env, dir);
  const run = (...args: string[]): Promise<Finished> => start(...args).finished;
  return {
    env,
    dir,
    port,
    start,
    run,
    close: async () => {
      await run('down', '--drain', '0');
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function startCommand(args: readonly string[], env: Record<string, string>, cwd: string): Started {
  const child = spawn(process.execPath, [main, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const finished = once(child, 'close').then(([code]): Finished => ({
    code: code as number | null,
    stdout,
    stderr,
  }));
  const until = (pattern: RegExp): Promise<string> =>
    new Promise((resolvePattern, reject) => {
      const look = (): void => {
        if (pattern.test(`${stdout}\n${stderr}`)) resolvePattern(`${stdout}\n${stderr}`);
      };
      child.stdout.on('data', look);
      child.stderr.on('data', look);
      child.on('close', () => {
        look();
        reject(new Error(`the command ended before ${String(pattern)} came:\n${stdout}\n${stderr}`));
      });
      look();
    });
  return { child, finished, until };
}

/**
 * Processes of this sandbox's engines whose command line begins with `title`, whoever their parent is. Known by their
 * working directory, which is the engine's private folder: vLLM writes its titles (`VLLM::EngineCore`) over the memory that
 * holds a process's environment, so that cannot tell.
 */
export async function engineProcesses(box: Sandbox, title = ''): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const cwd = await readlink(`/proc/${name}/cwd`).catch(() => '');
    const command = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (cwd.startsWith(join(box.dir, 'state')) && command !== '' && command.startsWith(title))
      found.push(Number(name));
  }
  return found;
}
