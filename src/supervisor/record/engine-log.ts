import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogLine } from '../../engine/index.ts';
import { type LineFile, openLineFile } from './line-file.ts';

/** Logs of this many starts stay on disk. */
const keptStarts = 10;

const numberOf = (name: string): number => Number(/^start-(\d+)\.log(?:\.1)?$/.exec(name)?.[1] ?? Number.NaN);

export interface EngineLog {
  readonly path: string;
  write(line: LogLine): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens `start-N.log` for the next start, N counting on over controllers, and removes the logs of all but the last ten.
 * Each line: time in ISO 8601, `out` or `err`, the engine's text.
 */
export async function openEngineLog(logDir: string, maxBytes: number): Promise<EngineLog> {
  await mkdir(logDir, { recursive: true, mode: 0o700 });
  const names = (await readdir(logDir)).filter((name) => !Number.isNaN(numberOf(name)));
  const next = Math.max(0, ...names.map(numberOf)) + 1;
  for (const name of names) {
    if (numberOf(name) <= next - keptStarts) await rm(join(logDir, name), { force: true });
  }
  const path = join(logDir, `start-${next}.log`);
  const file: LineFile = openLineFile(path, maxBytes);
  return {
    path,
    write: ({ at, stream, text }) =>
      file.write(`${new Date(at).toISOString()} ${stream === 'stdout' ? 'out' : 'err'} ${text}`),
    close: () => file.close(),
  };
}
