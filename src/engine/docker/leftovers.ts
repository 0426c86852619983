import type { Leftover } from '../types.ts';
import type { DockerClient } from './connect.ts';
import { dockerLabels } from './names.ts';
import { removeContainer, removeNetwork } from './running.ts';

const labelFilter = (instance: string, stateDir: string): string =>
  JSON.stringify({ label: [`${dockerLabels.instance}=${instance}`, `${dockerLabels.state}=${stateDir}`] });

/** Containers and networks that carry the labels of this instance, containers first. */
export async function findLeftovers(
  docker: DockerClient,
  instance: string,
  stateDir: string,
): Promise<Leftover[]> {
  const filters = labelFilter(instance, stateDir);
  const containers = await docker.listContainers({ all: true, filters });
  const networks = await docker.listNetworks({ filters });
  return [
    ...containers.map((found) => ({
      kind: 'container' as const,
      id: found.Id,
      text: `container ${found.Names[0]?.slice(1) ?? found.Id} (${found.Status})`,
    })),
    ...networks.map((found) => ({ kind: 'network' as const, id: found.Id, text: `network ${found.Name}` })),
  ];
}

/** Removes what `findLeftovers` finds and returns it. */
export async function removeLeftovers(
  docker: DockerClient,
  instance: string,
  stateDir: string,
): Promise<Leftover[]> {
  const found = await findLeftovers(docker, instance, stateDir);
  for (const { kind, id } of found) {
    if (kind === 'container') await removeContainer(docker.getContainer(id));
    else await removeNetwork(docker.getNetwork(id));
  }
  return found;
}
