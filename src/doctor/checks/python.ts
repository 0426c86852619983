import { runProgram } from '../run-program.ts';
import { needsOf } from '../needs.ts';
import { type Check, fail, pass, skipped, warn } from '../types.ts';

/** vLLM's wheels: 3.10 to 3.13. */
const isSupported = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major === 3 && minor >= 10 && minor <= 13;
};

/** uv is enough (it brings a Python); else a Python with venv. */
export const pythonCheck: Check = {
  id: 'python',
  title: 'Python and uv',
  run: async ({ stack, env, signal, programMs }) => {
    if (!needsOf(stack).python) return skipped(`driver ${stack.engine.driver} does not use it`);
    const [uv, python] = await Promise.all([
      runProgram('uv', ['--version'], { env, signal, timeoutMs: programMs }),
      runProgram('python3', ['-c', 'import sys, venv; print("%d.%d.%d" % sys.version_info[:3])'], {
        env,
        signal,
        timeoutMs: programMs,
      }),
    ]);
    const found = python.kind === 'done' ? python.stdout.trim() : null;
    if (uv.kind === 'done') return pass(`${uv.stdout.trim()}${found === null ? '' : `, Python ${found}`}`);
    if (found === null)
      return fail(
        'neither uv nor a python3 with venv is on the PATH',
        'install uv (https://docs.astral.sh/uv), or python3-venv',
      );
    if (!isSupported(found))
      return fail(
        `Python ${found}, and vLLM has wheels for 3.10 to 3.13`,
        'install uv, which brings a fitting Python',
      );
    return warn(
      `Python ${found}, no uv`,
      'it works with pip; uv makes the environment in a fraction of the time',
    );
  },
};
