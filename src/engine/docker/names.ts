import { createHash } from 'node:crypto';

/** Labels by which a later controller finds what an earlier one left. */
export const dockerLabels = {
  instance: 'stepctl.instance',
  /** The instance's state folder: two users may both have an instance called `default`. */
  state: 'stepctl.state',
  /** uid of the controller. */
  user: 'stepctl.user',
  role: 'stepctl.role',
} as const;

/** Port on which the engine listens inside its own network; it is never published on the host. */
export const enginePort = 8000;

/** Folder inside the container for HOME and every cache: a tmpfs unless the spec mounts a host folder there. */
export const cacheTarget = '/cache';

/**
 * Name of the container and of its network. The same instance always gets the same name, so that the daemon itself
 * refuses a second engine; the state folder keeps users apart.
 */
export function engineName(instance: string, stateDir: string): string {
  const mark = createHash('sha256').update(stateDir).digest('hex').slice(0, 8);
  return `stepctl-${instance}-${mark}`;
}

/** Labels on the container and its network. */
export function ownLabels(
  instance: string,
  stateDir: string,
  ownerUid: number | null,
): Record<string, string> {
  return {
    [dockerLabels.instance]: instance,
    [dockerLabels.state]: stateDir,
    [dockerLabels.role]: 'engine',
    ...(ownerUid === null ? {} : { [dockerLabels.user]: String(ownerUid) }),
  };
}
