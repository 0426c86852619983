import { describe, expect, it } from 'vitest';
import { containerRequest, networkRequest } from '../../../src/engine/index.ts';
import { engineName, findSecretNames } from '../../../src/engine/docker/index.ts';
import { deviceRequests } from '../../../src/engine/docker/request.ts';
import { plainSpec } from './scene.ts';

const envOf = (request: { Env?: string[] | undefined }): Record<string, string> =>
  Object.fromEntries(
    (request.Env ?? []).map((entry) => [entry.split('=')[0] ?? '', entry.split('=').slice(1).join('=')]),
  );

describe('what the daemon is asked to create', () => {
  const request = containerRequest(plainSpec());

  it('publishes no port, runs without capabilities, on a read-only root, without privilege to gain', () => {
    expect(request.ExposedPorts).toBeUndefined();
    expect(request.HostConfig?.PortBindings).toBeUndefined();
    expect(request.HostConfig).toMatchObject({
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      ReadonlyRootfs: true,
      Privileged: false,
      Init: true,
      IpcMode: 'private',
      RestartPolicy: { Name: 'no' },
    });
  });

  it('replaces the entrypoint, so that an image which begins with "vllm serve" does not get serve twice', () => {
    expect(request.Entrypoint).toEqual(['/opt/venv/bin/python3', '-m', 'vllm.entrypoints.cli.main']);
    expect(request.Cmd).toEqual(['serve', '/model', '--host', '0.0.0.0', '--port', '8000']);
  });

  it('lives on a network of its own without a way out, also not by the name server (CVE-2024-29018)', () => {
    const network = networkRequest(plainSpec());
    expect(network).toMatchObject({ Internal: true, Attachable: false, CheckDuplicate: true });
    expect(request.HostConfig?.NetworkMode).toBe(network.Name);
    expect(request.HostConfig?.Dns).toEqual(['192.0.2.1']);
  });

  it('binds the log and the memory, without swap on top', () => {
    const limits = { shmBytes: 16 * 2 ** 30, memoryBytes: 2 ** 30, pids: 10, logMaxBytes: 1000 };
    expect(containerRequest(plainSpec({ limits })).HostConfig).toMatchObject({
      ShmSize: 16 * 2 ** 30,
      Memory: 2 ** 30,
      MemorySwap: 2 ** 30,
      PidsLimit: 10,
      LogConfig: { Type: 'json-file', Config: { 'max-size': '500', 'max-file': '2' } },
    });
    expect(request.HostConfig).not.toHaveProperty('Memory');
  });

  it('mounts as asked, never creating a missing folder on the host as root', () => {
    const mounts = [{ source: '/hub/model', target: '/model', readOnly: true }];
    expect(containerRequest(plainSpec({ mounts })).HostConfig?.Mounts).toEqual([
      {
        Type: 'bind',
        Source: '/hub/model',
        Target: '/model',
        ReadOnly: true,
        BindOptions: { Propagation: 'rprivate' },
      },
    ]);
  });

  it('keeps caches in memory unless a host folder is mounted for them', () => {
    expect(Object.keys(request.HostConfig?.Tmpfs ?? {})).toEqual(['/tmp', '/cache']);
    const mounts = [{ source: '/host/cache', target: '/cache', readOnly: false }];
    expect(Object.keys(containerRequest(plainSpec({ mounts })).HostConfig?.Tmpfs ?? {})).toEqual(['/tmp']);
  });

  it('gives an account name with a uid that may have none in the image, and lets the spec win', () => {
    const asked = containerRequest(plainSpec({ user: { uid: 1234, gid: 5 }, env: { HOME: '/elsewhere' } }));
    expect(asked.User).toBe('1234:5');
    expect(envOf(asked)).toMatchObject({ USER: 'vllm', HOME: '/elsewhere' });
    expect(request.User).toBeUndefined();
  });

  it('labels instance, state folder and owner, which the spec cannot overwrite', () => {
    const labels = { 'stepctl.instance': 'forged', mine: 'yes' };
    expect(containerRequest(plainSpec({ labels }), 1000).Labels).toEqual({
      mine: 'yes',
      'stepctl.instance': 'test',
      'stepctl.state': '/state/test',
      'stepctl.role': 'engine',
      'stepctl.user': '1000',
    });
  });

  it('needs an image', () => {
    expect(() => containerRequest(plainSpec({ image: null }))).toThrow(
      expect.objectContaining({ code: 'STEP_DOCKER_SPEC' }),
    );
  });
});

it.each([
  [{ kind: 'none' }, []],
  [{ kind: 'count', count: 2 }, [{ Driver: '', Capabilities: [['gpu']], Count: 2 }]],
  [{ kind: 'count', count: -1 }, [{ Driver: '', Capabilities: [['gpu']], Count: -1 }]],
  [
    { kind: 'ids', ids: ['0', 'GPU-1'] },
    [{ Driver: '', Capabilities: [['gpu']], DeviceIDs: ['0', 'GPU-1'] }],
  ],
] as const)('GPUs %j become %j', (gpus, expected) => {
  expect(deviceRequests(gpus)).toEqual(expected);
});

it('asks for no raised limits: a daemon without CAP_SYS_RESOURCE refuses them', () => {
  expect(
    containerRequest(plainSpec({ gpus: { kind: 'count', count: 2 } })).HostConfig?.Ulimits,
  ).toBeUndefined();
});

it('two users may both have an instance called default', () => {
  expect(engineName('default', '/home/a/state')).not.toBe(engineName('default', '/home/b/state'));
  expect(engineName('default', '/home/a/state')).toBe(engineName('default', '/home/a/state'));
});

it('finds secrets by their names, and nothing that only sounds alike', () => {
  const env = {
    HF_TOKEN: '',
    VLLM_API_KEY: '',
    AWS_SECRET_ACCESS_KEY: '',
    PGPASSWORD_X: '',
    TOKENIZERS_PARALLELISM: '',
    VLLM_CACHE_ROOT: '',
    DB_PASSWORD: '',
  };
  expect(findSecretNames(env)).toEqual(['HF_TOKEN', 'VLLM_API_KEY', 'AWS_SECRET_ACCESS_KEY', 'DB_PASSWORD']);
});
