import type { ImageInspectInfo } from 'dockerode';
import { type DockerClient, dockerStatus } from '../../engine/index.ts';
import { type Reporter, StepError } from '../../lib/index.ts';

export type PullPolicy = 'missing' | 'always' | 'never';

interface PullEvent {
  readonly id?: string;
  readonly status?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
}

/** The image as the daemon has it; null where it has none. */
export async function inspectImage(
  docker: DockerClient,
  reference: string,
): Promise<ImageInspectInfo | null> {
  try {
    return await docker.getImage(reference).inspect();
  } catch (error) {
    if (dockerStatus(error) === 404) return null;
    throw error;
  }
}

/** Fetches an image from its registry. Throws STEP_BUILD_PULL with the daemon's own words. */
export async function pullImage(
  docker: DockerClient,
  reference: string,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<void> {
  reporter.stage('build', `pulling ${reference}`);
  const layers = new Map<string, { current: number; total: number }>();
  const onEvent = ({ id, status, progressDetail }: PullEvent): void => {
    if (id === undefined || status !== 'Downloading' || progressDetail?.total === undefined) return;
    layers.set(id, { current: progressDetail.current ?? 0, total: progressDetail.total });
    const sum = (key: 'current' | 'total'): number =>
      [...layers.values()].reduce((all, layer) => all + layer[key], 0);
    reporter.progress({
      stage: 'build',
      done: sum('current'),
      total: sum('total'),
      unit: 'bytes',
      rate: null,
      etaMs: null,
    });
  };
  try {
    const stream = await docker.pull(reference, { abortSignal: signal });
    await new Promise<void>((resolve, reject) => {
      docker.modem.followProgress(stream, (error) => (error === null ? resolve() : reject(error)), onEvent);
    });
  } catch (error) {
    throw new StepError('STEP_BUILD_PULL', {
      verdict: `image ${reference} could not be pulled`,
      reason: error instanceof Error ? error.message : String(error),
      next: `check the name and the network: docker pull ${reference}`,
      cause: error,
    });
  }
}

/** Makes sure that an image is on this machine, as the pull policy says. Throws STEP_DOCKER_IMAGE or STEP_BUILD_PULL. */
export async function ensureImage(
  docker: DockerClient,
  reference: string,
  policy: PullPolicy,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<ImageInspectInfo> {
  const present = await inspectImage(docker, reference);
  if (present !== null && policy !== 'always') return present;
  if (policy !== 'never') await pullImage(docker, reference, reporter, signal);
  const found = policy === 'never' ? present : await inspectImage(docker, reference);
  if (found !== null) return found;
  throw new StepError('STEP_DOCKER_IMAGE', {
    verdict: `image ${reference} is not on this machine`,
    reason: policy === 'never' ? 'pulling is switched off' : 'the daemon does not have it after the pull',
    next: `docker pull ${reference}`,
  });
}
