import { request } from 'node:http';
import { needsOf } from '../needs.ts';
import { type Check, type CheckContext, fail, pass, skipped, type Verdict, warn } from '../types.ts';

type DockerAddress =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'other'; readonly text: string };

/** DOCKER_HOST as the docker client reads it; the default socket without. */
export function dockerAddress(env: Readonly<Record<string, string | undefined>>): DockerAddress {
  const text = env['DOCKER_HOST'] ?? '';
  if (text === '') return { kind: 'socket', path: '/var/run/docker.sock' };
  if (text.startsWith('unix://')) return { kind: 'socket', path: text.slice('unix://'.length) };
  const tcp = /^(?:tcp|http):\/\/([^:/]+):(\d+)/.exec(text);
  return tcp === null ? { kind: 'other', text } : { kind: 'tcp', host: tcp[1] ?? '', port: Number(tcp[2]) };
}

/** GET of the Docker API; rejects with the socket's error or at the deadline. The answer is bounded to 1 MiB. */
function askDocker(
  address: DockerAddress,
  path: string,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<Record<string, unknown>> {
  const target =
    address.kind === 'socket'
      ? { socketPath: address.path }
      : address.kind === 'tcp'
        ? { host: address.host, port: address.port }
        : {};
  return new Promise((resolve, reject) => {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const call = request({ ...target, path, headers: { host: 'docker' }, signal: deadline }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > 1024 * 1024) response.destroy(new Error('the answer is too long for Docker'));
      });
      response.on('error', reject);
      response.on('end', () => {
        try {
          resolve(JSON.parse(text) as Record<string, unknown>);
        } catch {
          reject(new Error(`HTTP ${response.statusCode ?? 0}, not the answer of a Docker daemon`));
        }
      });
    });
    call.on('error', reject);
    call.end();
  });
}

/** What a failed call to the daemon means for the machine. Pure. */
export const explainFailure = (error: unknown, where: string): Verdict => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT')
    return fail(`${where} does not exist`, 'install Docker Engine and start it: systemctl start docker');
  if (code === 'EACCES' || code === 'EPERM') {
    return fail(
      `no permission for ${where}`,
      'add this user to the group docker and log in again: sudo usermod -aG docker $USER',
    );
  }
  if (code === 'ECONNREFUSED')
    return fail(`${where} is there and nobody answers`, 'start the daemon: systemctl start docker');
  const kind = error instanceof Error ? error.name : '';
  if (kind === 'TimeoutError' || kind === 'AbortError')
    return fail(`${where} takes the call and gives no answer`, 'sudo systemctl restart docker');
  const text = error instanceof Error ? error.message : String(error);
  return fail(`${where}: ${text}`, 'check DOCKER_HOST and the daemon: docker version');
};

/** Where the daemon keeps images; its default where it does not say. Asks at most 2 s. */
export async function dockerRoot({ env, signal }: Pick<CheckContext, 'env' | 'signal'>): Promise<string> {
  const fallback = '/var/lib/docker';
  const address = dockerAddress(env);
  if (address.kind === 'other') return fallback;
  const info = await askDocker(address, '/info', signal, 2000).catch(() => ({}) as Record<string, unknown>);
  return typeof info['DockerRootDir'] === 'string' ? info['DockerRootDir'] : fallback;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : 'unknown');

/** Daemon reachable and allowed, and for GPUs the NVIDIA runtime known to it. */
export const dockerCheck: Check = {
  id: 'docker',
  title: 'Docker Engine',
  run: async ({ stack, env, signal, programMs }) => {
    const needs = needsOf(stack);
    if (!needs.docker) return skipped(`driver ${stack.engine.driver} does not use it`);
    const address = dockerAddress(env);
    if (address.kind === 'other')
      return fail(
        `DOCKER_HOST=${address.text.split('@').at(-1) ?? ''}`,
        'stepctl talks to a unix socket or tcp:// address',
      );
    const where = address.kind === 'socket' ? address.path : `${address.host}:${address.port}`;
    try {
      const version = await askDocker(address, '/version', signal, programMs);
      const seen = `${text(version['Version'])} (API ${text(version['ApiVersion'])}) at ${where}`;
      if (!needs.gpu) return pass(seen);
      const info = await askDocker(address, '/info', signal, programMs);
      const devices = JSON.stringify(info['DiscoveredDevices'] ?? []);
      const hasRuntime =
        'nvidia' in ((info['Runtimes'] ?? {}) as object) || devices.includes('nvidia.com/gpu');
      return hasRuntime
        ? pass(seen)
        : warn(
            `${seen}; no NVIDIA runtime registered`,
            'install nvidia-container-toolkit: nvidia-ctk runtime configure --runtime=docker',
          );
    } catch (error) {
      return explainFailure(error, where);
    }
  },
};
