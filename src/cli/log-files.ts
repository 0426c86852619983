import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { instanceDir, StepError, systemClock } from '../lib/index.ts';
import type { Context } from './context.ts';

const startNumber = (name: string): number => Number(/^start-(\d+)\.log$/.exec(name)?.[1] ?? Number.NaN);

/** Path of the log asked for. Works without a controller: what a dead one wrote stays readable. */
export async function pickLogFile(context: Context, source: string, previous: boolean): Promise<string> {
  const dir = instanceDir(context.instance, context.env);
  const fixed: Record<string, string> = {
    supervisor: 'events.jsonl',
    proxy: 'access.jsonl',
    controller: 'controller.log',
  };
  const name = fixed[source];
  if (name !== undefined) return existing(join(dir, name), source);
  if (source !== 'engine') {
    throw new StepError('STEP_USAGE', {
      verdict: `there is no log "${source}"`,
      reason: 'there are: engine, proxy, supervisor, controller',
      next: 'stepctl logs engine',
    });
  }
  const names = (await readdir(join(dir, 'logs')).catch(() => [])).filter(
    (entry) => !Number.isNaN(startNumber(entry)),
  );
  names.sort((a, b) => startNumber(b) - startNumber(a));
  const chosen = names[previous ? 1 : 0];
  if (chosen === undefined)
    throw missing(previous ? 'an earlier start of the engine' : 'the engine', join(dir, 'logs'));
  return join(dir, 'logs', chosen);
}

async function existing(path: string, source: string): Promise<string> {
  if ((await stat(path).catch(() => null)) === null) throw missing(`the ${source}`, path);
  return path;
}

const missing = (what: string, where: string): StepError =>
  new StepError('STEP_CONTROL_NOT_UP', {
    verdict: `no log of ${what} yet`,
    reason: `nothing at ${where}`,
    next: 'stepctl up -d',
  });

/** Prints the last lines; returns the offset where the file ended. */
export async function printTail(context: Context, path: string, lines: number): Promise<number> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const from = Math.max(0, size - 4 * 1024 * 1024);
    const buffer = Buffer.alloc(size - from);
    await file.read(buffer, 0, buffer.length, from);
    const all = buffer.toString('utf8').split('\n');
    if (all.at(-1) === '') all.pop();
    for (const line of lines === 0 ? [] : all.slice(-lines)) context.out.line(line);
    return size;
  } finally {
    await file.close();
  }
}

/** Prints what is appended until Ctrl-C. */
export async function followFile(context: Context, path: string, start: number): Promise<void> {
  let offset = start;
  while (!context.signal.aborted) {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const buffer = Buffer.alloc(Math.max(0, Math.min(size - offset, 1024 * 1024)));
      if (buffer.length > 0) {
        await file.read(buffer, 0, buffer.length, offset);
        offset += buffer.length;
        context.out.data(buffer.toString('utf8'));
      }
    } finally {
      await file.close();
    }
    await systemClock.sleep(200, context.signal).catch(() => undefined);
  }
}
