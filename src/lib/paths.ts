import { homedir } from 'node:os';
import { join } from 'node:path';

type Env = Readonly<Record<string, string | undefined>>;

const base = (env: Env, name: string, fallback: string): string => {
  const value = env[name];
  return join(value !== undefined && value.startsWith('/') ? value : join(homedir(), fallback), 'stepctl');
};

/** `$XDG_CONFIG_HOME/stepctl`: keys and the user's own settings. */
export const configDir = (env: Env = process.env): string => base(env, 'XDG_CONFIG_HOME', '.config');
/** `$XDG_DATA_HOME/stepctl`: Python environments and generated models. */
export const dataDir = (env: Env = process.env): string => base(env, 'XDG_DATA_HOME', '.local/share');
/** `$XDG_STATE_HOME/stepctl/<instance>`: controller socket, events, engine logs per start. */
export const instanceDir = (instance: string, env: Env = process.env): string =>
  join(base(env, 'XDG_STATE_HOME', '.local/state'), instance);
