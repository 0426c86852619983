import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { StepError } from '../../src/lib/index.ts';
import { refusalOf, resolveWith } from './helpers.ts';

const reasonOf = async (input: Parameters<typeof resolveWith>[0]): Promise<string> =>
  (await refusalOf(resolveWith(input))).reason ?? '';

test('every problem of a file is listed at once with file, line, column, key, expected and found', async () => {
  const stackFile = [
    'profile: demoo',
    'serve:',
    '  tensorParallel: two',
    '  maxModelLen: -4',
    '  tensorParalel: 2',
    'maxModelLen: 4',
    'engine: { driver: dokcer, vllm: 0.16 }',
    'proxy: 5',
  ].join('\n');
  const error = await refusalOf(resolveWith({ stackFile }));
  expect([error.code, error.exitCode, error.verdict]).toEqual([
    'STEP_STACK_INVALID',
    2,
    '8 problems in stepctl.yaml',
  ]);
  expect(error.reason?.split('\n')).toEqual([
    'stepctl.yaml:1:1 profile: expected one of demo, step-3.5-flash-nvfp4, step-3.5-flash-nvfp4-card, tiny-cpu, found demoo (did you mean demo?)',
    'stepctl.yaml:7:11 engine.driver: expected docker, process, sim or external, found "dokcer" (did you mean docker?)',
    'stepctl.yaml:7:27 engine.vllm: expected text, found 0.16 (put the value in quotes)',
    'stepctl.yaml:3:3 serve.tensorParallel: expected a number, found "two"',
    'stepctl.yaml:4:3 serve.maxModelLen: expected at least 1, found -4',
    'stepctl.yaml:5:3 serve.tensorParalel: expected a known key, found tensorParalel (did you mean tensorParallel?)',
    'stepctl.yaml:8:1 proxy: expected a mapping of keys, found 5',
    'stepctl.yaml:6:1 maxModelLen: expected a known key, found maxModelLen (it belongs at serve.maxModelLen)',
  ]);
});

test('YAML that cannot be parsed names line and column', async () => {
  expect(await reasonOf({ stackFile: 'serve:\n  name: a\n  name: b\n' })).toBe(
    'stepctl.yaml:3:3: expected valid YAML, found Map keys must be unique',
  );
});

test('an alias bomb is refused instead of expanded', async () => {
  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...'bcdefgh'
      .split('')
      .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefg'[index]}`).join(',')}]`),
  ].join('\n');
  expect(await reasonOf({ stackFile: bomb })).toContain('alias');
});

test('a wrong value in a file is told although a flag overrides it', async () => {
  expect(await reasonOf({ stackFile: 'serve: { name: "" }\n', sets: ['serve.name=good'] })).toContain(
    'stepctl.yaml:1:10 serve.name',
  );
});

test('wrong settings of the command line and the environment are a usage error', async () => {
  const error = await refusalOf(
    resolveWith({
      env: {
        STEPCTL_PROXY_LISEN: '127.0.0.1:1',
        STEPCTL_PROXY_LISTEN: '127.0.0.1:99999',
        STEPCTL_DEBUG: '1',
      },
      sets: ['serve.tensorParalel=2', 'nonsense', 'serve.maxModelLen=[1'],
      flags: { engine: { gpus: 99 } },
    }),
  );
  expect([error.code, error.exitCode]).toEqual(['STEP_STACK_SETTING_INVALID', 64]);
  expect(error.reason?.split('\n').map((line) => line.split(':')[0])).toEqual([
    'STEPCTL_PROXY_LISEN',
    '--set nonsense',
    '--set serve.maxModelLen',
    'STEPCTL_PROXY_LISTEN proxy.listen',
    '--set serve.tensorParalel',
    'flag engine.gpus',
  ]);
});

test('an unknown profile of the command line suggests the nearest', async () => {
  const error = await refusalOf(resolveWith({ profile: 'tinycpu' }));
  expect([error.code, error.exitCode, error.next]).toEqual([
    'STEP_STACK_PROFILE_UNKNOWN',
    64,
    'did you mean --profile tiny-cpu?',
  ]);
});

test('the value of a secret variable is not repeated in a message', async () => {
  const error = await refusalOf(resolveWith({ stackFile: 'serve:\n  env:\n    HF_TOKEN: 12345\n' }));
  expect(`${error.reason} ${JSON.stringify(error.details)}`).not.toContain('12345');
});

test.each([
  ['no model at all', { profile: 'demo', sets: ['model.repo=null'] }, 'model.repo'],
  ['external without an address', { profile: 'demo', sets: ['engine.driver=external'] }, 'engine.url'],
  ['an address without external', { profile: 'demo', sets: ['engine.url=http://127.0.0.1:9'] }, 'engine.url'],
  ['a GPU image missing', { profile: 'step-3.5-flash-nvfp4', sets: ['engine.image=null'] }, 'engine.image'],
  [
    'an image of another release',
    { profile: 'step-3.5-flash-nvfp4', sets: ['engine.image=vllm/vllm-openai:v0.16.0'] },
    'engine.image',
  ],
  [
    'the emulation in a CUDA build',
    { profile: 'step-3.5-flash-nvfp4', sets: ['emulation=true'] },
    'emulation',
  ],
  [
    'more shares than GPUs',
    { profile: 'step-3.5-flash-nvfp4', sets: ['serve.tensorParallel=4'] },
    'serve.tensorParallel',
  ],
  [
    'no keys on an open address',
    { profile: 'demo', sets: ['proxy.auth=none', 'proxy.listen=0.0.0.0:80'] },
    'proxy.auth',
  ],
  [
    'a largest wait below the first',
    { profile: 'demo', sets: ['supervisor.backoffMaxMs=1'] },
    'supervisor.backoffMaxMs',
  ],
])('values that clash once merged are refused: %s', async (_title, input, key) => {
  const error = await refusalOf(resolveWith(input));
  expect(JSON.stringify(error.details)).toContain(`"key":"${key}"`);
});

test('no text makes the reader of stack files fail with anything but a named error', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ maxLength: 60 }), async (stackFile) => {
      const thrown: unknown = await resolveWith({ stackFile }).then(
        () => null,
        (error: unknown) => error,
      );
      expect(thrown === null || thrown instanceof StepError).toBe(true);
    }),
    { numRuns: 150 },
  );
});

test('a key called __proto__ is an unknown key and changes no prototype', async () => {
  const reason = await reasonOf({ sets: ['__proto__.polluted=1'] });
  expect(reason).toContain('__proto__');
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
});
