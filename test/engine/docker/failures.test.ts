import { describe, expect, it } from 'vitest';
import { dockerSocketPath, explainDockerFailure } from '../../../src/engine/docker/index.ts';
import { connectDocker } from '../../../src/engine/index.ts';
import { readExit } from '../../../src/engine/docker/exit.ts';
import { explainStartFailure } from '../../../src/engine/docker/failures.ts';

const systemError = (code: string) => Object.assign(new Error(code), { code });
const refusal = (statusCode: number, message: string) =>
  Object.assign(new Error(message), { statusCode, json: { message } });

describe('a daemon that does not answer', () => {
  it.each([
    ['ENOENT', true, 'STEP_DOCKER_NOT_RUNNING'],
    ['ENOENT', false, 'STEP_DOCKER_MISSING'],
    ['ECONNREFUSED', true, 'STEP_DOCKER_NOT_RUNNING'],
    ['EACCES', true, 'STEP_DOCKER_PERMISSION'],
    ['ECONNRESET', true, 'STEP_DOCKER_UNUSABLE'],
  ])('%s, Docker installed: %s, is %s: exit 2 with reason and next command', (code, installed, expected) => {
    const error = explainDockerFailure(systemError(code), '/run/d.sock', installed);
    expect(error).toMatchObject({ code: expected, exitCode: 2 });
    expect(error.reason).toBeTruthy();
    expect(error.next).toBeTruthy();
  });

  it('is looked for where DOCKER_HOST says, on this machine only', async () => {
    expect(dockerSocketPath({})).toBe('/var/run/docker.sock');
    expect(dockerSocketPath({ DOCKER_HOST: 'unix:///run/user/1000/docker.sock' })).toBe(
      '/run/user/1000/docker.sock',
    );
    expect(() => dockerSocketPath({ DOCKER_HOST: 'tcp://10.0.0.1:2375' })).toThrow(
      expect.objectContaining({ code: 'STEP_DOCKER_REMOTE' }),
    );
    await expect(connectDocker({ DOCKER_HOST: 'unix:///no/such.sock' })).rejects.toMatchObject({
      exitCode: 2,
    });
  });
});

it.each([
  [500, 'could not select device driver "" with capabilities: [[gpu]]', 'STEP_DOCKER_GPU'],
  [500, 'nvidia-container-cli: initialization error: nvml error: driver not loaded', 'STEP_DOCKER_GPU'],
  [409, 'Conflict. The container name "/stepctl-default" is already in use', 'STEP_DOCKER_BUSY'],
  [409, 'network with name stepctl-default already exists', 'STEP_DOCKER_BUSY'],
  [404, 'No such image: stepctl/vllm:1', 'STEP_DOCKER_IMAGE'],
  [500, 'no space left on device', 'STEP_DOCKER_START'],
])('a start refused with %i "%s" is %s', (status, message, code) => {
  const error = explainStartFailure(refusal(status, message), {
    instance: 'default',
    image: 'stepctl/vllm:1',
  });
  expect(error).toMatchObject({ code, reason: message });
});

it.each([
  [0, null],
  [1, null],
  [134, 'SIGABRT'],
  [137, 'SIGKILL'],
  [143, 'SIGTERM'],
  [255, null],
])('exit code %i behind an init stands for signal %s', (code, signal) => {
  expect(readExit({ ExitCode: code, OOMKilled: false })).toEqual({ code, signal, oomKilled: false });
});
