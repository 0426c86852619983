import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { StepError, systemClock } from '../../lib/index.ts';
import { createLineQueue } from '../logs/line-queue.ts';
import { createLineSplitter } from '../logs/line-splitter.ts';
import type { EngineExit, LogLine } from '../types.ts';

/** Orphans may hold the pipes open after the main process ended: lines are awaited this long, not for ever. */
const lastLinesMs = 1_000;

export interface EngineChild {
  readonly pid: number;
  readonly logs: AsyncIterable<LogLine>;
  readonly exited: Promise<EngineExit>;
  /** True once the main process is gone. */
  hasExited(): boolean;
  /** Stops reading; nobody waits for lines of orphans any more. */
  closeLogs(): void;
}

export interface ChildCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** Processes that the kernel's OOM killer has ended since boot. */
async function countOomKills(): Promise<number> {
  const text = await readFile('/proc/vmstat', 'utf8').catch(() => '');
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** Starts the process as leader of its own session and waits until it runs. Throws STEP_ENGINE_PROGRAM_MISSING. */
export async function spawnChild(command: ChildCommand): Promise<EngineChild> {
  const oomBefore = await countOomKills();
  const child = spawn(command.file, command.args, {
    cwd: command.cwd,
    env: command.env,
    // Own session: a Ctrl-C meant for stepctl does not reach the engine past the drain.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = watchExit(child, oomBefore);
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(spawnError(command.file, error)));
  });
  const { pid } = child;
  if (pid === undefined) throw spawnError(command.file, new Error('no pid'));
  return {
    pid,
    ...readLogs(child),
    exited: ended,
    hasExited: () => child.exitCode !== null || child.signalCode !== null,
  };
}

function watchExit(child: ChildProcess, oomBefore: number): Promise<EngineExit> {
  const { promise, resolve } = Promise.withResolvers<EngineExit>();
  child.once('exit', (code, signal) => {
    if (signal !== 'SIGKILL') return resolve({ code, signal, oomKilled: false });
    // Nothing names the victim to an unprivileged reader; the kernel's count having grown is the best evidence.
    void countOomKills().then((count) => resolve({ code, signal, oomKilled: count > oomBefore }));
  });
  return promise;
}

function readLogs(child: ChildProcess): { logs: AsyncIterable<LogLine>; closeLogs: () => void } {
  const queue = createLineQueue();
  const sources: [LogLine['stream'], Readable | null][] = [
    ['stdout', child.stdout],
    ['stderr', child.stderr],
  ];
  const splitters = sources.map(([stream, readable]) => {
    const splitter = createLineSplitter((text) => queue.push({ at: systemClock.now(), stream, text }));
    readable?.on('data', (chunk: Buffer) => splitter.push(chunk));
    readable?.on('error', () => {});
    return splitter;
  });
  let isClosed = false;
  const closeLogs = () => {
    if (isClosed) return;
    isClosed = true;
    for (const splitter of splitters) splitter.end();
    for (const [, readable] of sources) readable?.destroy();
    queue.end();
  };
  child.once('close', closeLogs);
  child.once('exit', () => {
    const timer = setTimeout(closeLogs, lastLinesMs);
    child.once('close', () => clearTimeout(timer));
  });
  return { logs: queue, closeLogs };
}

const spawnError = (file: string, error: Error): StepError =>
  new StepError('STEP_ENGINE_PROGRAM_MISSING', {
    verdict: `the engine's program ${file} does not start`,
    reason: error.message,
    next: 'stepctl build',
    cause: error,
  });
