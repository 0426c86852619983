import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import type { EngineSpec } from '../types.ts';

/**
 * What an engine inherits from whoever runs stepctl: nothing else, so that a token or a stray VLLM_* of a login shell
 * never gets into it. GPU choice and library path belong to the machine rather than to the person.
 */
const inherited = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'LANG',
  'LC_ALL',
  'LC_CTYPE',
  'TZ',
  'TMPDIR',
  'XDG_CACHE_HOME',
  'LD_LIBRARY_PATH',
  'CUDA_VISIBLE_DEVICES',
  'CUDA_DEVICE_ORDER',
] as const;

/** Environment variable that marks every process of an instance's engine; its value names the instance for good. */
export const markName = 'STEPCTL_INSTANCE';

/** Two instances may share a name under different state folders, so the mark holds a hash of the folder too. */
export function instanceMark(instance: string, stateDir: string): string {
  const hash = createHash('sha256').update(resolve(stateDir)).digest('hex').slice(0, 16);
  return `${instance}@${hash}`;
}

/** The whole environment of an engine process: the allow-list, stepctl's defaults, then the spec, which wins. */
export function engineEnvironment(
  spec: EngineSpec,
  own: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const name of inherited) {
    const value = own[name];
    if (value !== undefined) env[name] = value;
  }
  // torch asks for the user's name and dies under a uid without passwd entry unless USER says one.
  env['USER'] ??= 'stepctl';
  // Lines arrive as they are written; SIGABRT prints the Python stack of every thread.
  env['PYTHONUNBUFFERED'] = '1';
  env['PYTHONFAULTHANDLER'] = '1';
  return { ...env, ...spec.env, [markName]: instanceMark(spec.instance, spec.stateDir) };
}
