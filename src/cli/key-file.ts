import { join } from 'node:path';
import { configDir } from '../lib/index.ts';

/** One key file a user, shared by all instances; a running proxy reads it again when it changes. */
export const keyFile = (env: Readonly<Record<string, string | undefined>>): string =>
  join(configDir(env), 'keys.json');
