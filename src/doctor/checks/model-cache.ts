import { constants } from 'node:fs';
import { access, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { dataDir } from '../../lib/index.ts';
import { type Check, type CheckContext, fail, pass, skipped, type Verdict, warn } from '../types.ts';
import { hubCacheDir } from './storage.ts';

const gb = (bytes: number): string =>
  bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;

type FileState = 'good' | 'missing' | 'forbidden';

/** Follows the link: an unreadable blob behind a readable link is the trap of a cache written by root. */
async function stateOf(path: string): Promise<{ state: FileState; bytes: number }> {
  try {
    const info = await stat(path);
    await access(path, constants.R_OK);
    return { state: 'good', bytes: info.size };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return { state: code === 'EACCES' || code === 'EPERM' ? 'forbidden' : 'missing', bytes: 0 };
  }
}

/** Shards that the index of a folder names; null without a readable index. */
async function namedShards(dir: string): Promise<string[] | null> {
  try {
    const index = JSON.parse(await readFile(join(dir, 'model.safetensors.index.json'), 'utf8')) as {
      weight_map?: Record<string, string>;
    };
    return [...new Set(Object.values(index.weight_map ?? {}))];
  } catch {
    return null;
  }
}

async function judgeFolder(dir: string, absent: Verdict): Promise<Verdict> {
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException) => error.code ?? 'unreadable');
  if (names === 'EACCES') return fail(`${dir} is not readable by this user`, 'sudo chown -R $USER it');
  if (typeof names === 'string') return absent;
  const shards = (await namedShards(dir)) ?? names.filter((name) => name.endsWith('.safetensors'));
  const wanted = ['config.json', ...shards];
  const states = await Promise.all(wanted.map((name) => stateOf(join(dir, name))));
  const forbidden = wanted.filter((_, index) => states[index]?.state === 'forbidden');
  if (forbidden.length > 0)
    return fail(
      `${forbidden.length} of ${wanted.length} files in ${dir} are not readable by this user, ${forbidden[0] ?? ''} first`,
      'sudo chown -R $USER the cache: a container that ran as root wrote it',
    );
  const missing = wanted.filter((_, index) => states[index]?.state === 'missing');
  const bytes = states.reduce((sum, { bytes: size }) => sum + size, 0);
  if (missing.length > 0 || shards.length === 0)
    return warn(
      `partial: ${wanted.length - missing.length} of ${wanted.length} files, ${gb(bytes)}`,
      'stepctl pull goes on where it stopped',
    );
  return pass(`present: ${shards.length} shards, ${gb(bytes)}, in ${dir}; stepctl verify proves the bytes`);
}

/** What the cache holds of the stack's revision: absent, partial, present, or not readable. */
async function judgeCache(stack: CheckContext['stack'], env: CheckContext['env']): Promise<Verdict> {
  const { repo, revision, hub } = stack.model;
  if (repo === null)
    return fail('the stack names no model', '--set model.repo=OWNER/NAME, or --set model.path=DIR');
  const cache = hub === 'builtin' ? join(dataDir(env), 'hub') : hubCacheDir(env);
  const root = join(cache, `models--${repo.replaceAll('/', '--')}`);
  const blobs: string[] = await readdir(join(root, 'blobs')).catch(() => []);
  const pending = blobs.filter((name) => /\.(incomplete|stepctl-part)$/.test(name));
  const named = /^[0-9a-f]{40}$/.test(revision)
    ? revision
    : (await readFile(join(root, 'refs', revision), 'utf8').catch(() => '')).trim();
  if (pending.length > 0)
    return warn(
      `partial: ${pending.length} files under way, ${blobs.length - pending.length} blobs there`,
      `stepctl pull ${repo} goes on where it stopped`,
    );
  const absent = pass(`absent: up pulls ${repo}`);
  return named === '' ? absent : judgeFolder(join(root, 'snapshots', named), absent);
}

export const modelCacheCheck: Check = {
  id: 'model-cache',
  title: 'Model',
  run: async ({ stack, env }) => {
    if (stack.engine.driver === 'external') return skipped('the external engine has its own');
    const { path } = stack.model;
    if (path === null) return judgeCache(stack, env);
    return judgeFolder(path, fail(`there is no folder ${path}`, '--set model.path=DIR of a model'));
  },
};
