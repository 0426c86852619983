import { access } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

type Env = Readonly<Record<string, string | undefined>>;

/** What an installing container borrows of the host for as long as it runs; nothing of it ends up in the image. */
export interface HostShare {
  /** `SOURCE:TARGET[:ro]` */
  readonly binds: readonly string[];
  /** Given to the one command that installs, not to the container: a container's environment is committed with it. */
  readonly env: readonly string[];
}

/** Folder inside the container under which everything borrowed lies; a tmpfs, so that no mount point is committed. */
export const shareTarget = '/run/stepctl';

/** Settings of package indexes and proxies; they may hold credentials. */
const passedOn =
  /^(https?_proxy|no_proxy|all_proxy|PIP_(INDEX_URL|EXTRA_INDEX_URL|TRUSTED_HOST|DEFAULT_TIMEOUT)|UV_(INDEX|DEFAULT_INDEX|INDEX_URL|EXTRA_INDEX_URL|INSECURE_HOST|HTTP_TIMEOUT|INDEX_.*))$/i;

const caBundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/cert.pem',
];

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

async function firstExisting(paths: readonly (string | undefined)[]): Promise<string | null> {
  for (const path of paths) if (path !== undefined && path !== '' && (await exists(path))) return path;
  return null;
}

/**
 * Looks up what this host has: its CA bundle (a company's own authority is in no Debian root), pip and uv configuration,
 * proxy and index settings, and uv's cache, which turns minutes of download into seconds.
 * @param cacheDir folder for the installer's cache; made by the caller.
 * @param uv path of a uv executable, or null for pip.
 */
export async function findHostShare(env: Env, cacheDir: string, uv: string | null): Promise<HostShare> {
  const binds = [`${cacheDir}:${shareTarget}/cache`];
  const settings = Object.entries(env)
    .filter(([name, value]) => value !== undefined && passedOn.test(name))
    .map(([name, value]) => `${name}=${value ?? ''}`);
  settings.push(`UV_CACHE_DIR=${shareTarget}/cache`, `PIP_CACHE_DIR=${shareTarget}/cache/pip`, 'HOME=/tmp');
  const lend = (source: string, name: string, variables: readonly string[]): void => {
    const target = `${shareTarget}/${name}`;
    binds.push(`${source}:${target}:ro`);
    for (const variable of variables) settings.push(`${variable}=${target}`);
  };
  const ca = await firstExisting([env['SSL_CERT_FILE'], env['PIP_CERT'], ...caBundles]);
  if (ca !== null) lend(ca, 'ca.crt', ['SSL_CERT_FILE', 'PIP_CERT', 'REQUESTS_CA_BUNDLE']);
  const config = join(env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'));
  const pip = await firstExisting([
    env['PIP_CONFIG_FILE'],
    join(config, 'pip/pip.conf'),
    join(homedir(), '.pip/pip.conf'),
    '/etc/pip.conf',
  ]);
  if (pip !== null) lend(pip, 'pip.conf', ['PIP_CONFIG_FILE']);
  const uvConfig = await firstExisting([
    env['UV_CONFIG_FILE'],
    join(config, 'uv/uv.toml'),
    '/etc/uv/uv.toml',
  ]);
  if (uvConfig !== null) lend(uvConfig, 'uv.toml', ['UV_CONFIG_FILE']);
  if (uv !== null) lend(uv, 'uv', ['UV']);
  return { binds, env: settings };
}
