import { execa } from 'execa';

export interface ToolRun {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly input?: string;
  readonly timeoutMs?: number;
  readonly onLine?: (line: string) => void;
}

export interface ToolResult {
  readonly ok: boolean;
  /** The command itself is not there. */
  readonly isMissing: boolean;
  readonly isTimedOut: boolean;
  /** Last lines of stdout and stderr as they came, credentials in addresses blotted out. */
  readonly output: string;
}

const keptLines = 400;

/**
 * Runs a Python tool to its end, line by line. Throws only the signal's reason when aborted (the child gets SIGTERM,
 * 5 s later SIGKILL); every other end is a result.
 */
export async function runTool(run: ToolRun): Promise<ToolResult> {
  const child = execa(run.command, [...run.args], {
    cwd: run.cwd,
    env: { ...run.env, NO_COLOR: '1', UV_NO_PROGRESS: '1', PYTHONUNBUFFERED: '1' },
    extendEnv: false,
    all: true,
    buffer: false,
    reject: false,
    cancelSignal: run.signal,
    forceKillAfterDelay: 5000,
    ...(run.input === undefined ? { stdin: 'ignore' as const } : { input: run.input }),
    ...(run.timeoutMs === undefined ? {} : { timeout: run.timeoutMs }),
  });
  const lines: string[] = [];
  for await (const line of child.iterable({ from: 'all' })) {
    const clean = hideCredentials(String(line));
    lines.push(clean);
    if (lines.length > keptLines) lines.shift();
    if (clean.trim() !== '') run.onLine?.(clean.trim());
  }
  const result = await child;
  run.signal.throwIfAborted();
  return {
    ok: !result.failed,
    isMissing: result.code === 'ENOENT',
    isTimedOut: result.timedOut,
    output: lines.join('\n'),
  };
}

/** An index address may carry a user and a password. */
export const hideCredentials = (text: string): string => text.replaceAll(/(\w+:\/\/)[^\s/@]+@/g, '$1***@');
