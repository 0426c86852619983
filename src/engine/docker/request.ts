import type { ContainerCreateOptions, DeviceRequest, HostConfig, NetworkCreateOptions } from 'dockerode';
import { StepError } from '../../lib/index.ts';
import type { EngineSpec, GpuRequest, Mount } from '../types.ts';
import { cacheTarget, engineName, enginePort, ownLabels } from './names.ts';

/**
 * Name server that cannot be reached from a network without a route (TEST-NET-1). Before Docker 25.0.5 the daemon
 * forwarded look-ups of internal networks through the host when its own resolver was on loopback: CVE-2024-29018.
 */
const unreachableDns = '192.0.2.1';

/**
 * Where programs of the engine may write: the root file system is read-only. `/tmp` holds ZeroMQ sockets and compiled
 * kernels, hence `exec`; caches follow HOME.
 */
const tmpfsOptions = 'rw,exec,nosuid,nodev,mode=1777';

/** Environment that points every cache at the one writable folder; the spec's own values win. */
const cacheEnv: Readonly<Record<string, string>> = {
  HOME: cacheTarget,
  XDG_CACHE_HOME: `${cacheTarget}/.cache`,
  XDG_CONFIG_HOME: `${cacheTarget}/.config`,
  VLLM_CACHE_ROOT: `${cacheTarget}/vllm`,
  HF_HOME: `${cacheTarget}/huggingface`,
  TRITON_CACHE_DIR: `${cacheTarget}/triton`,
  TORCHINDUCTOR_CACHE_DIR: `${cacheTarget}/inductor`,
  NUMBA_CACHE_DIR: `${cacheTarget}/numba`,
  CUDA_CACHE_PATH: `${cacheTarget}/cuda`,
  FLASHINFER_WORKSPACE_BASE: cacheTarget,
  PYTHONDONTWRITEBYTECODE: '1',
  PYTHONUNBUFFERED: '1',
};

const secretName = /(^|_)(TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?|API_KEY|ACCESS_KEY|PRIVATE_KEY)$/i;

/** Names of environment variables that hold a secret by their name: everyone in the group docker could read them. */
export const findSecretNames = (env: Readonly<Record<string, string>>): string[] =>
  Object.keys(env).filter((name) => secretName.test(name));

/** The request for GPUs in the daemon's words; nothing is asked for `none`. */
export function deviceRequests(gpus: GpuRequest): DeviceRequest[] {
  if (gpus.kind === 'none') return [];
  const capabilities = { Driver: '', Capabilities: [['gpu']] };
  return [
    gpus.kind === 'count'
      ? { ...capabilities, Count: gpus.count }
      : { ...capabilities, DeviceIDs: [...gpus.ids] },
  ];
}

const bindMount = (mount: Mount) => ({
  Type: 'bind' as const,
  Source: mount.source,
  Target: mount.target,
  ReadOnly: mount.readOnly,
  BindOptions: { Propagation: 'rprivate' as const },
});

function hostConfig(spec: EngineSpec): HostConfig {
  const { limits } = spec;
  const hasCacheMount = spec.mounts.some((mount) => mount.target === cacheTarget);
  return {
    NetworkMode: engineName(spec.instance, spec.stateDir),
    Dns: [unreachableDns],
    DnsOptions: ['timeout:1', 'attempts:1'],
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges'],
    Privileged: false,
    ReadonlyRootfs: true,
    Tmpfs: { '/tmp': tmpfsOptions, ...(hasCacheMount ? {} : { [cacheTarget]: tmpfsOptions }) },
    Mounts: spec.mounts.map(bindMount),
    IpcMode: 'private',
    ShmSize: limits.shmBytes,
    PidsLimit: limits.pids,
    // Without a swap limit of its own a container may swap as much again, and a swapping engine looks like a hang.
    ...(limits.memoryBytes === null ? {} : { Memory: limits.memoryBytes, MemorySwap: limits.memoryBytes }),
    // No ulimits: memlock and stack in the recipes one finds are for RDMA, and a daemon without CAP_SYS_RESOURCE (CI,
    // nested) refuses to start a container that asks for them.
    ...(spec.gpus.kind === 'none' ? {} : { DeviceRequests: deviceRequests(spec.gpus) }),
    Init: true,
    AutoRemove: false,
    RestartPolicy: { Name: 'no' },
    LogConfig: {
      Type: 'json-file',
      Config: { 'max-size': String(Math.max(1, Math.ceil(limits.logMaxBytes / 2))), 'max-file': '2' },
    },
  };
}

/**
 * What the daemon is asked to create for this spec: no published port, no capability, no egress, read-only root.
 * Pure: `up --dry-run --json` prints it and tests read it.
 * @param ownerUid uid of the controller, for the label; null leaves the label out.
 */
export function containerRequest(
  spec: EngineSpec,
  ownerUid: number | null = null,
): ContainerCreateOptions & { name: string } {
  if (spec.image === null)
    throw new StepError('STEP_DOCKER_SPEC', {
      verdict: `instance ${spec.instance} has no image to run`,
      reason: 'the docker driver starts an engine from an image only',
      next: 'run: stepctl build',
    });
  const account = spec.user === null ? {} : { USER: 'vllm', LOGNAME: 'vllm' };
  const env: Record<string, string> = { ...cacheEnv, ...account, ...spec.env };
  return {
    name: engineName(spec.instance, spec.stateDir),
    Image: spec.image,
    Entrypoint: [...spec.program],
    Cmd: [...spec.args, '--host', '0.0.0.0', '--port', String(enginePort)],
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    // Python puts the working folder in front of its search path with `-m`; the image's own may hold anything.
    WorkingDir: '/',
    ...(spec.user === null ? {} : { User: `${spec.user.uid}:${spec.user.gid}` }),
    Labels: { ...spec.labels, ...ownLabels(spec.instance, spec.stateDir, ownerUid) },
    AttachStdin: false,
    AttachStdout: true,
    AttachStderr: true,
    OpenStdin: false,
    Tty: false,
    Healthcheck: { Test: ['NONE'] },
    HostConfig: hostConfig(spec),
  };
}

/** The network of one engine: a bridge without a way out; only this host and the engine are on it. */
export function networkRequest(spec: EngineSpec, ownerUid: number | null = null): NetworkCreateOptions {
  return {
    Name: engineName(spec.instance, spec.stateDir),
    CheckDuplicate: true,
    Driver: 'bridge',
    Internal: true,
    Attachable: false,
    EnableIPv6: false,
    Labels: ownLabels(spec.instance, spec.stateDir, ownerUid),
  };
}
