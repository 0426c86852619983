import { expect, test } from 'vitest';
import { type DoctorReport, doctorExitCode, renderDoctor, runDoctor } from '../../src/doctor/index.ts';
import { makeFolder, makePrograms, stackOf } from './helpers.ts';

const report = (more: Partial<DoctorReport> = {}): DoctorReport => ({
  schema: 'stepctl/doctor/1',
  at: '2026-11-23T10:00:00.000Z',
  profile: 'tiny-cpu',
  verdict: 'blocked',
  gpus: [],
  suggestion: { profile: 'demo', why: 'no NVIDIA GPU was found' },
  checks: [
    { id: 'node', title: 'Node.js', status: 'pass', evidence: 'v24.1.0', advice: null },
    {
      id: 'python',
      title: 'Python and uv',
      status: 'fail',
      evidence: 'neither uv nor a python3 with venv is on the PATH',
      advice: 'install uv',
    },
    { id: 'gpu', title: 'GPUs', status: 'skipped', evidence: 'this stack uses none', advice: null },
  ],
  ...more,
});

test('the text says verdict, evidence and what to do, within the width', () => {
  expect(renderDoctor(report(), 60)).toBe(
    [
      'Profile tiny-cpu cannot start here: 1 ok, 0 to look at, 1 failed, 1 not needed',
      '',
      'ok    Node.js        v24.1.0',
      'FAIL  Python and uv  neither uv nor a python3 with venv is',
      '                     on the PATH',
      '                     → install uv',
      '--    GPUs           this stack uses none',
      '',
      'Without --profile, `stepctl up` takes demo here: no NVIDIA',
      'GPU was found.',
    ].join('\n'),
  );
});

test.each([
  ['ok', 0],
  ['warnings', 0],
  ['blocked', 2],
] as const)('a report with verdict %s exits %i', (verdict, code) => {
  expect(doctorExitCode(report({ verdict }))).toBe(code);
});

test('demo is blocked by nothing on a machine without GPU, Docker, Python or uv', async () => {
  const env = {
    HOME: await makeFolder(),
    PATH: await makePrograms({}),
    DOCKER_HOST: 'unix:///nonexistent.sock',
  };
  const found = await runDoctor({ stack: await stackOf('demo'), env, now: () => 0 });
  expect(found).toMatchObject({
    schema: 'stepctl/doctor/1',
    at: '1970-01-01T00:00:00.000Z',
    profile: 'demo',
    gpus: [],
  });
  expect(found.checks.filter(({ status }) => status === 'fail')).toEqual([]);
});

test('the big profile is blocked there, and each failure says what to do', async () => {
  const env = {
    HOME: await makeFolder(),
    PATH: await makePrograms({}),
    DOCKER_HOST: 'unix:///nonexistent.sock',
  };
  const found = await runDoctor({ stack: await stackOf('step-3.5-flash-nvfp4'), env });
  expect(found.verdict).toBe('blocked');
  const failed = found.checks.filter(({ status }) => status === 'fail');
  expect(failed.map(({ id }) => id)).toEqual(expect.arrayContaining(['gpu', 'docker']));
  expect(failed.every(({ advice }) => advice !== null)).toBe(true);
});

test('checks can be left out, as the port while this instance itself holds it', async () => {
  const found = await runDoctor({
    stack: await stackOf('demo'),
    env: { HOME: await makeFolder() },
    gpus: [],
    skip: ['port'],
  });
  expect(found.checks.map(({ id }) => id)).not.toContain('port');
});

test('an aborted run rejects with its reason', async () => {
  const signal = AbortSignal.abort(new Error('stop'));
  await expect(
    runDoctor({ stack: await stackOf('demo'), env: { HOME: await makeFolder() }, gpus: [], signal }),
  ).rejects.toThrow('stop');
});
