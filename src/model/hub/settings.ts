import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { HubSettings } from '../types.ts';

type Env = Readonly<Record<string, string | undefined>>;

export const defaultEndpoint = 'https://huggingface.co';

/** `~` and `$NAME` as huggingface_hub expands them in its folder variables. */
const expand = (value: string, env: Env): string =>
  value
    .replace(/^~(?=\/|$)/, homedir())
    .replace(
      /\$(?:\{(\w+)\}|(\w+))/g,
      (whole, braced: string | undefined, bare: string | undefined) => env[braced ?? bare ?? ''] ?? whole,
    );

const first = (env: Env, ...names: string[]): { name: string; value: string } | null => {
  for (const name of names) {
    const value = env[name]?.trim();
    if (value !== undefined && value !== '') return { name, value };
  }
  return null;
};

const isTruthy = (value: string | undefined): boolean => /^(1|on|yes|true)$/i.test(value ?? '');

const homeOf = (env: Env): string => {
  const home = first(env, 'HF_HOME');
  if (home !== null) return expand(home.value, env);
  const cache = first(env, 'XDG_CACHE_HOME');
  return join(cache === null ? join(homedir(), '.cache') : expand(cache.value, env), 'huggingface');
};

/** The hub's cache folder: HF_HUB_CACHE > HUGGINGFACE_HUB_CACHE > $HF_HOME/hub. */
export function hubCacheDir(env: Env = process.env): string {
  const named = first(env, 'HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE');
  return named === null ? join(homeOf(env), 'hub') : expand(named.value, env);
}

function readToken(env: Env): { token: string; source: string } | null {
  const named = first(env, 'HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN');
  if (named !== null) return { token: named.value, source: named.name };
  if (isTruthy(env['HF_HUB_DISABLE_IMPLICIT_TOKEN'])) return null;
  const file = first(env, 'HF_TOKEN_PATH');
  const path = file === null ? join(homeOf(env), 'token') : expand(file.value, env);
  try {
    const token = readFileSync(path, 'utf8').trim();
    return token === '' ? null : { token, source: `the file ${path}` };
  } catch {
    return null; // no token file: anonymous
  }
}

/**
 * What the environment says about the hub, by the contract of huggingface_hub: HF_ENDPOINT, HF_HUB_CACHE, HF_HOME,
 * HF_TOKEN and its file, HF_HUB_OFFLINE. Reads at most the token file.
 */
export function hubSettings(env: Env = process.env): HubSettings {
  const found = readToken(env);
  return {
    endpoint: (first(env, 'HF_ENDPOINT')?.value ?? defaultEndpoint).replace(/\/+$/, ''),
    token: found?.token ?? null,
    tokenSource: found?.source ?? null,
    cacheDir: hubCacheDir(env),
    offline: isTruthy(env['HF_HUB_OFFLINE']) || isTruthy(env['TRANSFORMERS_OFFLINE']),
  };
}
