import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { StepError } from '../../lib/index.ts';

/** The Docker Engine client that every part of stepctl shares. */
export type DockerClient = Docker;

type Env = Readonly<Record<string, string | undefined>>;

const defaultSocket = '/var/run/docker.sock';
const answerTimeoutMs = 5000;

/**
 * Path of the daemon's unix socket from `DOCKER_HOST`. A remote daemon is refused: bind mounts and the engine's
 * address both mean this machine, and the TCP socket is root for whoever reaches it.
 */
export function dockerSocketPath(env: Env): string {
  const host = env['DOCKER_HOST'];
  if (host === undefined || host === '') return defaultSocket;
  if (host.startsWith('unix://')) return host.slice('unix://'.length);
  throw new StepError('STEP_DOCKER_REMOTE', {
    verdict: `DOCKER_HOST=${host} is not a unix socket`,
    reason:
      'stepctl mounts local folders and reaches the container by its address, so the daemon must run on this machine',
    next: 'unset DOCKER_HOST, or set it to unix:///var/run/docker.sock',
  });
}

/** What a failed first call means. Pure: `installed` says whether a `dockerd` or `docker` executable was found. */
export function explainDockerFailure(error: unknown, socketPath: string, installed: boolean): StepError {
  const code = (error as { code?: unknown } | null)?.code;
  const name = (error as { name?: unknown } | null)?.name;
  const details = { socketPath };
  if (code === 'EACCES' || code === 'EPERM')
    return new StepError('STEP_DOCKER_PERMISSION', {
      verdict: `no permission to use the Docker socket ${socketPath}`,
      reason:
        'the socket belongs to root and the group docker; membership of that group is as good as root on this machine',
      next: 'sudo usermod -aG docker "$USER", then log in again; or use another driver: --set engine.driver=process',
      cause: error,
      details,
    });
  if (code === 'ENOENT' && !installed)
    return new StepError('STEP_DOCKER_MISSING', {
      verdict: 'Docker is not installed',
      reason: `there is no socket at ${socketPath} and no dockerd on the PATH`,
      next: 'install Docker Engine (Debian, Ubuntu: sudo apt-get install docker.io), or --set engine.driver=process',
      cause: error,
      details,
    });
  if (code === 'ENOENT' || code === 'ECONNREFUSED')
    return new StepError('STEP_DOCKER_NOT_RUNNING', {
      verdict: `no Docker daemon answers on ${socketPath}`,
      reason: code === 'ENOENT' ? 'the socket does not exist' : 'the socket is there but nobody listens',
      next: 'sudo systemctl start docker; where the socket is elsewhere, set DOCKER_HOST=unix://PATH',
      cause: error,
      details,
    });
  const timedOut = name === 'TimeoutError' || name === 'AbortError';
  return new StepError('STEP_DOCKER_UNUSABLE', {
    verdict: `the Docker daemon on ${socketPath} did not answer as it should`,
    reason: timedOut
      ? `no answer within ${answerTimeoutMs} ms`
      : error instanceof Error
        ? error.message
        : String(error),
    next: 'docker version; then: sudo journalctl -u docker -n 50',
    cause: error,
    details,
  });
}

async function isOnPath(program: string, env: Env): Promise<boolean> {
  for (const folder of [...(env['PATH'] ?? '').split(':'), '/usr/bin', '/usr/sbin']) {
    if (folder === '') continue;
    const found = await access(join(folder, program), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}

/**
 * A client of the local Docker Engine that has answered. Socket from `DOCKER_HOST` or /var/run/docker.sock.
 * Throws STEP_DOCKER_REMOTE, _MISSING, _NOT_RUNNING, _PERMISSION or _UNUSABLE (exit 2). dockerode is loaded here and
 * nowhere else, so that commands without Docker do not pay for it.
 */
export async function connectDocker(env: Env = process.env): Promise<DockerClient> {
  const socketPath = dockerSocketPath(env);
  const { default: Client } = await import('dockerode');
  const docker = new Client({ socketPath });
  try {
    await docker.listContainers({ limit: 1, abortSignal: AbortSignal.timeout(answerTimeoutMs) });
  } catch (error) {
    const installed = (await isOnPath('dockerd', env)) || (await isOnPath('docker', env));
    throw explainDockerFailure(error, socketPath, installed);
  }
  return docker;
}

/** HTTP status of a refusal by the daemon; null where the failure has none. */
export function dockerStatus(error: unknown): number | null {
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' ? status : null;
}
