import { stat } from 'node:fs/promises';
import { StepError } from '../../lib/index.ts';
import type { Endpoint, EngineDriver, EngineSpec, Running } from '../types.ts';
import { connectDocker, type DockerClient, dockerStatus } from './connect.ts';
import { explainStartFailure } from './failures.ts';
import { findLeftovers, removeLeftovers } from './leftovers.ts';
import { engineName, enginePort } from './names.ts';
import { containerRequest, findSecretNames, networkRequest } from './request.ts';
import { attachLogs, createRunning, removeContainer, removeNetwork } from './running.ts';

export interface DockerDriverDeps {
  /** How to reach the daemon; called once per use. */
  readonly connect?: () => Promise<DockerClient>;
  /** uid of the controller for the label. */
  readonly ownerUid?: number | null;
}

const refuseSpec = (verdict: string, reason: string, next: string): never => {
  throw new StepError('STEP_DOCKER_SPEC', { verdict, reason, next });
};

/** What of a spec must not reach the daemon. Throws STEP_DOCKER_SPEC (exit 2). */
async function checkSpec(spec: EngineSpec): Promise<void> {
  const [secret] = findSecretNames(spec.env);
  if (secret !== undefined)
    refuseSpec(
      `${secret} would be readable by everybody who may run docker inspect`,
      'the engine needs no secret: the model is mounted, its network has no way out, and the proxy checks keys',
      `remove ${secret} from serve.env`,
    );
  for (const mount of spec.mounts) {
    if (/(^|\/)(docker|containerd|podman)\.sock$/.test(mount.source))
      refuseSpec(
        `${mount.source} would be mounted into the engine`,
        'that socket is root on this machine',
        'remove the mount',
      );
    const exists = await stat(mount.source).then(
      () => true,
      () => false,
    );
    if (!exists)
      refuseSpec(
        `${mount.source} does not exist`,
        `it is to be mounted at ${mount.target}`,
        'create it, or run: stepctl pull',
      );
  }
}

/** The engine is reached by its container's address, which a rootless daemon or a virtual machine hides. */
async function checkDaemon(docker: DockerClient): Promise<void> {
  const info = (await docker.info()) as { SecurityOptions?: string[] | null; OperatingSystem?: string };
  const isRootless = (info.SecurityOptions ?? []).some((option) => option.includes('rootless'));
  const isDesktop = /docker desktop/i.test(info.OperatingSystem ?? '');
  if (!isRootless && !isDesktop) return;
  throw new StepError('STEP_DOCKER_ADDRESS', {
    verdict: `this is ${isRootless ? 'a rootless Docker daemon' : 'Docker Desktop'}: containers have no address that this machine can reach`,
    reason: 'stepctl publishes no port of the engine; it talks to the container on an internal network',
    next: 'use Docker Engine on the host, or --set engine.driver=process',
  });
}

async function checkImage(docker: DockerClient, spec: EngineSpec): Promise<void> {
  if (spec.image === null) return;
  try {
    await docker.getImage(spec.image).inspect();
  } catch (error) {
    if (dockerStatus(error) !== 404) throw error;
    throw explainStartFailure(error, spec);
  }
}

/** Creates, attaches, starts; takes everything back when one step fails. */
async function startEngine(
  docker: DockerClient,
  spec: EngineSpec,
  ownerUid: number | null,
): Promise<Running> {
  const undo: (() => Promise<void>)[] = [];
  try {
    const network = await docker.createNetwork(networkRequest(spec, ownerUid));
    undo.unshift(() => removeNetwork(network));
    const container = await docker.createContainer(containerRequest(spec, ownerUid));
    undo.unshift(() => removeContainer(container));
    const logs = await attachLogs(container);
    undo.unshift(() => Promise.resolve(logs.detach()));
    await container.start();
    const endpoint = await readEndpoint(docker, container.id, spec);
    return createRunning({ container, network, endpoint, logs });
  } catch (error) {
    for (const step of undo) await step().catch(() => undefined);
    throw explainStartFailure(error, spec);
  }
}

async function readEndpoint(docker: DockerClient, id: string, spec: EngineSpec): Promise<Endpoint> {
  const name = engineName(spec.instance, spec.stateDir);
  const networks = (await docker.getContainer(id).inspect()).NetworkSettings.Networks;
  const host = networks[name]?.IPAddress;
  // A container that died at once has no address any more. That is no failure to start, its exit says why; port 0
  // refuses every connection, where 0.0.0.0 would reach whatever listens on this machine.
  if (host === undefined || host === '') return { kind: 'tcp', host: '127.0.0.1', port: 0 };
  return { kind: 'tcp', host, port: enginePort };
}

/**
 * Runs the engine in a container of its own on a network of its own: no published port, no egress, no capability,
 * read-only root. The host reaches the container's address directly.
 */
export function createDockerDriver(deps: DockerDriverDeps = {}): EngineDriver {
  const connect = deps.connect ?? (() => connectDocker());
  const ownerUid = deps.ownerUid === undefined ? (process.getuid?.() ?? null) : deps.ownerUid;
  return {
    name: 'docker',
    check: async (spec) => {
      containerRequest(spec, ownerUid);
      await checkSpec(spec);
      const docker = await connect();
      await checkDaemon(docker);
      await checkImage(docker, spec);
    },
    start: async (spec) => {
      await checkSpec(spec);
      return startEngine(await connect(), spec, ownerUid);
    },
    leftovers: async (instance, stateDir) => findLeftovers(await connect(), instance, stateDir),
    remove: async (instance, stateDir) => removeLeftovers(await connect(), instance, stateDir),
  };
}
