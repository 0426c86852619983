import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { type ErrorCode, instanceDir, type Reporter, StepError } from '../../lib/index.ts';
import type { Context } from '../context.ts';

/** Set in the environment of the process that becomes the controller of `up -d`. */
export const detachedVariable = 'STEPCTL_DETACHED';

/** What the coming controller tells the command that started it, until that command leaves. */
export type DetachedMessage =
  | { readonly kind: 'stage'; readonly name: string; readonly text: string }
  | { readonly kind: 'progress'; readonly progress: Parameters<Reporter['progress']>[0] }
  | { readonly kind: 'warn'; readonly text: string }
  | { readonly kind: 'ready'; readonly facts: ReadyFacts }
  | { readonly kind: 'failed'; readonly error: FailedError };

export interface ReadyFacts {
  readonly url: string;
  readonly servedName: string;
  readonly auth: 'keys' | 'none';
  readonly key: string | null;
  readonly question: string;
}

interface FailedError {
  readonly code: ErrorCode;
  readonly verdict: string;
  readonly reason: string | null;
  readonly next: string | null;
  readonly details: Readonly<Record<string, unknown>>;
}

/** Sends to the waiting command; once it has left, into the void. */
export function tellParent(message: DetachedMessage): void {
  if (process.send === undefined || !process.connected) return;
  process.send(message, undefined, undefined, () => {});
}

/** Reporter of a detached controller: events to the parent while it listens, text to its own log file. */
export function detachedReporter(own: Reporter): Reporter {
  return {
    stage: (name, text) => {
      own.stage(name, text);
      tellParent({ kind: 'stage', name, text });
    },
    progress: (progress) => tellParent({ kind: 'progress', progress }),
    warn: (text) => {
      own.warn(text);
      tellParent({ kind: 'warn', text });
    },
  };
}

/**
 * Starts this same command line again as the controller, in a session of its own, and reports what it says until it is
 * ready or failed. Ctrl-C before that takes the coming controller down with it.
 */
export async function detach(context: Context, argv: readonly string[]): Promise<ReadyFacts> {
  const dir = instanceDir(context.instance, context.env);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const log = await open(join(dir, 'controller.log'), 'a', 0o600);
  try {
    const child = spawn(process.execPath, [...process.execArgv, ...argv], {
      detached: true,
      cwd: context.cwd,
      env: { ...context.env, [detachedVariable]: '1' },
      stdio: ['ignore', log.fd, log.fd, 'ipc'],
    });
    return await waitForChild(context, child, join(dir, 'controller.log'));
  } finally {
    await log.close();
  }
}

function waitForChild(context: Context, child: ChildProcess, logFile: string): Promise<ReadyFacts> {
  const { promise, resolve, reject } = Promise.withResolvers<ReadyFacts>();
  const onInterrupt = (): void => void child.kill('SIGTERM');
  const leave = (): void => {
    context.signal.removeEventListener('abort', onInterrupt);
    if (child.connected) child.disconnect();
    child.unref();
  };
  context.signal.addEventListener('abort', onInterrupt, { once: true });
  child.on('message', (raw) => {
    const message = raw as DetachedMessage;
    if (message.kind === 'stage') context.reporter.stage(message.name, message.text);
    else if (message.kind === 'progress') context.reporter.progress(message.progress);
    else if (message.kind === 'warn') context.reporter.warn(message.text);
    else if (message.kind === 'ready') {
      leave();
      resolve(message.facts);
    } else reject(new StepError(message.error.code, plain(message.error)));
  });
  child.on('error', reject);
  child.on('exit', (code, signal) => {
    leave();
    reject(
      context.signal.aborted
        ? new StepError('STEP_INTERRUPTED', {
            verdict: 'interrupted; what had been started was taken down again',
          })
        : new StepError('STEP_CONTROL_LOST', {
            verdict: 'the controller ended before anything was up',
            reason: `it ended with ${signal ?? `code ${String(code)}`} and left its log in ${logFile}`,
            next: `stepctl logs controller --instance ${context.instance}`,
          }),
    );
  });
  return promise;
}

const plain = (error: FailedError): ConstructorParameters<typeof StepError>[1] => ({
  verdict: error.verdict,
  details: error.details,
  ...(error.reason === null ? {} : { reason: error.reason }),
  ...(error.next === null ? {} : { next: error.next }),
});
