import { execFile } from 'node:child_process';

/** How a short program ended. `missing` where it is not on the PATH. */
export type ProgramResult =
  | { readonly kind: 'done'; readonly stdout: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'failed'; readonly why: string };

/** Runs a program that only tells something: killed after `timeoutMs` or when aborted, output bounded to 1 MiB. Never rejects. */
export function runProgram(
  file: string,
  args: readonly string[],
  options: {
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly signal?: AbortSignal;
    readonly timeoutMs?: number;
  },
): Promise<ProgramResult> {
  const { env, signal, timeoutMs = 10_000 } = options;
  return new Promise((resolve) => {
    const settings = {
      env: env as NodeJS.ProcessEnv,
      timeout: timeoutMs,
      killSignal: 'SIGKILL' as const,
      maxBuffer: 1024 * 1024,
      ...(signal === undefined ? {} : { signal }),
    };
    execFile(file, [...args], settings, (error, stdout, stderr) => {
      if (error === null) resolve({ kind: 'done', stdout });
      else if (error.code === 'ENOENT') resolve({ kind: 'missing' });
      else if (error.killed === true) resolve({ kind: 'failed', why: `no answer within ${timeoutMs} ms` });
      else
        resolve({
          kind: 'failed',
          why: (stderr.trim() || stdout.trim() || error.message).split('\n')[0] ?? '',
        });
    });
  });
}
