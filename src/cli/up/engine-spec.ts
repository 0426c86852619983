import { basename, dirname, join } from 'node:path';
import type { EngineSpec, GpuRequest, Mount } from '../../engine/types.ts';
import type { Stack } from '../../stack/schema.ts';
import type { CompiledServe } from '../../vllm/types.ts';
import type { Artefact } from './artefact.ts';

/** Where the model lies inside a container. */
export const containerModels = '/models';

/** Host folder to mount and the path that vllm is given: a cache snapshot needs its repository's blobs beside it. */
export interface ModelPlace {
  readonly hostPath: string;
  readonly mountSource: string;
  /** Path of the model below `mountSource`; empty when it is the folder itself. */
  readonly below: string;
}

/** `…/models--O--N/snapshots/COMMIT` holds links into `…/models--O--N/blobs`: mount the repository, not the snapshot. */
export function modelPlace(hostPath: string): ModelPlace {
  const snapshots = dirname(hostPath);
  if (basename(snapshots) !== 'snapshots') return { hostPath, mountSource: hostPath, below: '' };
  return { hostPath, mountSource: dirname(snapshots), below: join('snapshots', basename(hostPath)) };
}

/** The path that `vllm serve` is told: the host's for drivers without a container, the mounted one inside. */
export function modelPathFor(driver: Stack['engine']['driver'], place: ModelPlace): string {
  return driver === 'docker'
    ? join(containerModels, basename(place.mountSource), place.below)
    : place.hostPath;
}

export function gpuRequest(gpus: Stack['engine']['gpus']): GpuRequest {
  if (gpus === 'none') return { kind: 'none' };
  return { kind: 'count', count: gpus === 'all' ? -1 : gpus };
}

/** Bytes of `16g`, `512m`, `64k`. */
export function parseSize(text: string): number {
  const factor = { k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[text.slice(-1).toLowerCase()] ?? 1;
  return Number.parseInt(text, 10) * factor;
}

interface SpecInput {
  readonly instance: string;
  readonly stack: Stack;
  readonly artefact: Artefact;
  readonly place: ModelPlace;
  readonly compiled: CompiledServe;
  readonly stateDir: string;
  /** Host folder for compile caches that outlive a container. */
  readonly cacheDir: string;
}

/** The engine as a plain value: what `--dry-run` shows is what a start uses. Pure. */
export function makeEngineSpec(input: SpecInput): EngineSpec {
  const { stack, artefact, compiled, place } = input;
  const mounts: Mount[] =
    stack.engine.driver === 'docker'
      ? [
          {
            source: place.mountSource,
            target: join(containerModels, basename(place.mountSource)),
            readOnly: true,
          },
          { source: input.cacheDir, target: '/cache', readOnly: false },
        ]
      : [];
  return {
    instance: input.instance,
    program: artefact.program,
    args: [...compiled.args, ...(stack.engine.driver === 'sim' ? stack.engine.args : [])],
    env: { ...artefact.env, ...compiled.env },
    image: artefact.image,
    mounts,
    gpus: gpuRequest(stack.engine.gpus),
    user: artefact.user,
    limits: {
      shmBytes: parseSize(stack.engine.shmSize),
      memoryBytes: null,
      pids: 4096,
      logMaxBytes: 64 * 1024 ** 2,
    },
    externalUrl: stack.engine.url,
    stateDir: input.stateDir,
    labels: { 'stepctl.instance': input.instance, 'stepctl.profile': stack.profile, ...artefact.labels },
  };
}
