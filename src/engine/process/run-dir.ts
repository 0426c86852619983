import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StepError } from '../../lib/index.ts';

/** `sun_path` of unix(7) holds 108 bytes with the closing NUL. */
const maxSocketPath = 107;
export const socketName = 'e.sock';
/** mkdtemp adds six characters. */
const template = 'run-';

const fits = (folder: string): boolean =>
  Buffer.byteLength(join(folder, `${template}XXXXXX`, socketName)) <= maxSocketPath;

/** Folders in which the engine's private folder may lie, best first: cleaners of /tmp remove sockets after days. */
export function runDirParents(stateDir: string, env: Readonly<Record<string, string | undefined>>): string[] {
  const runtime = env['XDG_RUNTIME_DIR'];
  const candidates = [
    stateDir,
    ...(runtime === undefined || runtime === '' ? [] : [runtime]),
    tmpdir(),
    '/tmp',
  ];
  return [...new Set(candidates)].filter(fits);
}

/**
 * Makes the engine's private folder, mode 0700: its socket lies there, so nobody else can answer in its place, and it
 * is the working directory of every process of the engine, which marks them (see process-table.ts). Not the caller's
 * directory on purpose: `python -m` imports from there first, and a checkout of vLLM would shadow the patched one.
 */
export async function makeRunDir(
  stateDir: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const failures: string[] = [];
  for (const parent of runDirParents(stateDir, env)) {
    try {
      await mkdir(parent, { recursive: true, mode: 0o700 });
      return await mkdtemp(join(parent, template));
    } catch (error) {
      failures.push(`${parent}: ${(error as Error).message}`);
    }
  }
  throw new StepError('STEP_ENGINE_SOCKET_PATH', {
    verdict: 'there is no folder for the unix socket of the engine',
    reason:
      failures.length > 0 ? failures.join('; ') : `every candidate is longer than ${maxSocketPath} bytes`,
    next: 'set TMPDIR or XDG_RUNTIME_DIR to a short, writable folder',
  });
}
