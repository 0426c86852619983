import { StepError } from '../../lib/index.ts';
import { dockerStatus } from './connect.ts';

interface Subject {
  readonly instance: string;
  readonly image: string | null;
}

const messageOf = (error: unknown): string => {
  const said = (error as { json?: { message?: unknown } | null } | null)?.json?.message;
  if (typeof said === 'string') return said;
  return error instanceof Error ? error.message : String(error);
};

/** What the daemon's refusal to create or start an engine means. Pure over the error. */
export function explainStartFailure(error: unknown, subject: Subject): StepError {
  if (error instanceof StepError) return error;
  const reason = messageOf(error);
  const status = dockerStatus(error);
  const parts = { reason, cause: error, details: { ...subject, status } };
  if (
    /could not select device driver|nvidia-container-cli|unresolvable CDI devices|libnvidia-ml/i.test(reason)
  )
    return new StepError('STEP_DOCKER_GPU', {
      ...parts,
      verdict: 'the Docker daemon cannot give a GPU to a container',
      next: 'install nvidia-container-toolkit (1.17.8 or later), run: sudo nvidia-ctk runtime configure --runtime=docker, restart Docker, then: stepctl doctor',
    });
  if (status === 409 || /already exists|is already in use/i.test(reason))
    return new StepError('STEP_DOCKER_BUSY', {
      ...parts,
      verdict: `a container or network of instance ${subject.instance} exists already`,
      next: `stepctl down --instance ${subject.instance}`,
    });
  if (status === 404 && /no such image/i.test(reason))
    return new StepError('STEP_DOCKER_IMAGE', {
      ...parts,
      verdict: `image ${String(subject.image)} is not on this machine`,
      next: 'stepctl build',
    });
  return new StepError('STEP_DOCKER_START', {
    ...parts,
    verdict: `Docker did not start the engine of instance ${subject.instance}`,
    next: 'read the reason above; then: stepctl doctor',
  });
}
