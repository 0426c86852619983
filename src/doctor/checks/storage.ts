import { constants } from 'node:fs';
import { access, readdir, stat, statfs } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { configDir, dataDir, instanceDir } from '../../lib/index.ts';
import { needsOf } from '../needs.ts';
import { dockerRoot } from './docker.ts';
import { type Check, type CheckContext, fail, pass, skipped, warn } from '../types.ts';

type Env = CheckContext['env'];

/** The Hugging Face cache as its own library finds it. */
export const hubCacheDir = (env: Env): string =>
  env['HF_HUB_CACHE'] ?? env['HUGGINGFACE_HUB_CACHE'] ?? join(hubHome(env), 'hub');

/** `$HF_HOME`, where the token lies too. */
export const hubHome = (env: Env): string =>
  env['HF_HOME'] ?? join(env['XDG_CACHE_HOME'] ?? join(env['HOME'] ?? homedir(), '.cache'), 'huggingface');

/** The folder itself, or its nearest parent that is there. */
async function existingParent(folder: string): Promise<string> {
  for (let candidate = folder; ; candidate = dirname(candidate)) {
    const found = await stat(candidate).catch(() => null);
    if (found !== null || dirname(candidate) === candidate) return candidate;
  }
}

const freeBytes = async (folder: string): Promise<{ device: number; bytes: number }> => {
  const parent = await existingParent(folder);
  const [space, info] = await Promise.all([statfs(parent), stat(parent)]);
  return { device: info.dev, bytes: space.bavail * space.bsize };
};

/** Bytes of a repository that are in the cache already. */
async function cachedBytes(env: Env, repo: string): Promise<number> {
  const blobs = join(hubCacheDir(env), `models--${repo.replaceAll('/', '--')}`, 'blobs');
  const names = await readdir(blobs).catch(() => []);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(blobs, name)).then(
        (info) => info.size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

const gb = (bytes: number): string =>
  bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;

/** Compile caches, JIT kernels and logs of an engine. */
const cacheBytes = 5e9;

/** Places that need room, those on one disk added up. Pure. */
export function sumByDisk(
  places: readonly { what: string; folder: string; device: number; free: number; bytes: number }[],
): { folders: string; free: number; bytes: number; what: string }[] {
  const disks = Map.groupBy(places, ({ device }) => device);
  return [...disks.values()].map((group) => ({
    folders: [...new Set(group.map(({ folder }) => folder))].join(', '),
    free: Math.min(...group.map(({ free }) => free)),
    bytes: group.reduce((sum, { bytes }) => sum + bytes, 0),
    what: group.map(({ what, bytes }) => `${what} ${gb(bytes)}`).join(', '),
  }));
}

/** Room for model, image or environment, and caches: each where it lies, added up where that is one disk. */
export const diskCheck: Check = {
  id: 'disk',
  title: 'Disk room',
  run: async (context) => {
    const { stack, env } = context;
    const needs = needsOf(stack);
    const { repo } = stack.model;
    const present = repo === null ? 0 : await cachedBytes(env, repo);
    const modelBytes = Math.max(0, needs.modelBytes - present);
    // A path that is not of this machine (a daemon elsewhere) falls back to the nearest folder that is.
    const buildFolder = needs.docker ? await dockerRoot(context) : dataDir(env);
    const places = await Promise.all(
      [
        { what: 'model', folder: hubCacheDir(env), bytes: modelBytes },
        { what: needs.docker ? 'image' : 'environment', folder: buildFolder, bytes: needs.buildBytes },
        { what: 'caches', folder: dataDir(env), bytes: needs.gpu ? cacheBytes : 0 },
      ]
        .filter(({ bytes }) => bytes > 0)
        .map(async (place) => {
          const { device, bytes: free } = await freeBytes(place.folder);
          return { ...place, device, free };
        }),
    );
    const disks = sumByDisk(places);
    if (disks.length === 0) {
      const { bytes } = await freeBytes(hubCacheDir(env));
      return pass(`nothing more is needed; ${gb(bytes)} free at ${hubCacheDir(env)}`);
    }
    const seen = disks.map(({ folders, free, what }) => `${gb(free)} free at ${folders} for at most ${what}`);
    const short = disks.filter(({ free, bytes }) => free < bytes);
    if (short.length === 0) return pass(seen.join('; '));
    const advice = 'make room, or point HF_HOME and XDG_DATA_HOME at a larger disk';
    // What is built already needs no second room, and that is not known here: only the model blocks.
    return places.some(({ what, free, bytes }) => what === 'model' && free < bytes)
      ? fail(`too little room: ${seen.join('; ')}`, advice)
      : warn(`a first build may not fit: ${seen.join('; ')}`, advice);
  },
};

/** Only what runs outside of a container uses the machine's own /dev/shm. */
export const sharedMemoryCheck: Check = {
  id: 'shared-memory',
  title: '/dev/shm',
  run: async ({ stack }) => {
    const { driver, shmSize } = stack.engine;
    if (driver === 'docker') return pass(`the container gets its own of ${shmSize}`);
    if (driver !== 'process') return skipped(`driver ${driver} does not use it`);
    const space = await statfs('/dev/shm').catch(() => null);
    if (space === null) return warn('/dev/shm is not there', 'mount it: workers talk through it');
    const free = space.bavail * space.bsize;
    const wanted = stack.serve.tensorParallel > 1 && needsOf(stack).gpu ? 8e9 : 256e6;
    return free >= wanted
      ? pass(`${gb(free)} free`)
      : warn(`${gb(free)} free, ${gb(wanted)} wanted`, 'mount -o remount,size=16g /dev/shm');
  },
};

async function writableProblem(folder: string): Promise<string | null> {
  const parent = await existingParent(folder);
  try {
    await access(parent, constants.W_OK | constants.X_OK);
    return null;
  } catch {
    const info = await stat(parent).catch(() => null);
    return `${parent} (owner ${info === null ? 'unknown' : info.uid})`;
  }
}

/** Caches, data and state: a cache owned by root after a container run is the usual trap. */
export const writableCheck: Check = {
  id: 'writable',
  title: 'Folders writable',
  run: async ({ env }) => {
    const folders = [hubCacheDir(env), dataDir(env), configDir(env), instanceDir('default', env)];
    const problems = (await Promise.all(folders.map(writableProblem))).filter((problem) => problem !== null);
    return problems.length === 0
      ? pass(folders.join(', '))
      : fail(
          `this user may not write ${[...new Set(problems)].join(', ')}`,
          'sudo chown -R $USER them, or set HF_HOME and the XDG_* variables',
        );
  },
};

/** Presence only: the value of a token is never read into a result. */
export const tokenCheck: Check = {
  id: 'hub-token',
  title: 'Hub token',
  run: async ({ stack, env }) => {
    if (stack.model.hub === 'builtin' || stack.model.path !== null)
      return skipped('this stack pulls nothing from the hub');
    const variable = ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN'].find((name) => (env[name] ?? '') !== '');
    if (variable !== undefined) return pass(`set in ${variable}`);
    const file = env['HF_TOKEN_PATH'] ?? join(hubHome(env), 'token');
    const present = await access(file, constants.R_OK).then(
      () => true,
      () => false,
    );
    return pass(present ? `in ${file}` : 'none; public repositories need none');
  },
};
