import { type ChildProcess, spawn } from 'node:child_process';

/** How a short program ended. `missing` where it is not on the PATH. */
export type ProgramResult =
  | { readonly kind: 'done'; readonly stdout: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'failed'; readonly why: string; readonly timedOut: boolean };

export interface ProgramOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

const maxOutput = 4 * 1024 * 1024;
const firstLine = (text: string): string => text.trim().split('\n')[0] ?? '';

/** Kills the program and what it started, and lets go of it: one that hangs in a driver does not even end then. */
function abandon(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It ended meanwhile.
  }
  child.stdout?.destroy();
  child.stderr?.destroy();
  child.unref();
}

/**
 * Runs a program that only tells something, in a process group of its own. The answer comes by `timeoutMs` whatever
 * the program does, also where SIGKILL cannot end it. Output is bounded to 4 MiB. Never rejects.
 */
export function runProgram(
  file: string,
  args: readonly string[],
  options: ProgramOptions,
): Promise<ProgramResult> {
  const { env, signal, timeoutMs = 10_000 } = options;
  const { promise, resolve } = Promise.withResolvers<ProgramResult>();
  const failed = (why: string, timedOut = false): ProgramResult => ({ kind: 'failed', why, timedOut });
  if (signal?.aborted === true) return Promise.resolve(failed('interrupted'));
  const child = spawn(file, [...args], {
    env: env as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const texts = { stdout: '', stderr: '' };
  const finish = (result: ProgramResult): void => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    resolve(result);
  };
  const giveUp = (result: ProgramResult): void => {
    abandon(child);
    finish(result);
  };
  const onAbort = (): void => giveUp(failed('interrupted'));
  const timer = setTimeout(() => giveUp(failed(`no answer within ${timeoutMs / 1000} s`, true)), timeoutMs);
  signal?.addEventListener('abort', onAbort, { once: true });
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text;
      if (texts[name].length > maxOutput) giveUp(failed('it prints without end'));
    });
  }
  child.once('error', (error: NodeJS.ErrnoException) =>
    finish(error.code === 'ENOENT' ? { kind: 'missing' } : failed(error.message)),
  );
  child.once('close', (code, killedBy) => {
    if (code === 0) return finish({ kind: 'done', stdout: texts.stdout });
    const how = killedBy === null ? `it ended with code ${String(code)}` : `it was ended by ${killedBy}`;
    finish(failed(firstLine(texts.stderr) || firstLine(texts.stdout) || how));
  });
  return promise;
}
