import { isWithin } from '../../vllm/index.ts';
import { needsOf } from '../needs.ts';
import { runProgram } from '../run-program.ts';
import { type Check, pass, skipped, warn } from '../types.ts';

/** Advisories of the NVIDIA Container Toolkit and the release that ends each; all let an image out of its container. */
const advisories = [
  { id: 'CVE-2024-0132', fixed: '1.16.2' },
  { id: 'CVE-2025-23359', fixed: '1.17.4' },
  { id: 'CVE-2025-23266', fixed: '1.17.8' },
  { id: 'CVE-2025-23267', fixed: '1.17.8' },
] as const;

const lowest = '1.17.8';

/** `NVIDIA Container Toolkit CLI version 1.17.8`, or the same of nvidia-container-cli. */
export const toolkitVersion = (text: string): string | null =>
  /(?:CLI version|cli-version:)\s*(\d+\.\d+\.\d+)/i.exec(text)?.[1] ?? null;

/** What gives a container its GPUs, and whether it lets the container out again. */
export const toolkitCheck: Check = {
  id: 'container-toolkit',
  title: 'NVIDIA Container Toolkit',
  run: async ({ stack, env, signal, programMs }) => {
    if (!needsOf(stack).docker || !needsOf(stack).gpu) return skipped('no container gets a GPU');
    const options = { env, signal, timeoutMs: programMs };
    const [ctk, cli] = await Promise.all([
      runProgram('nvidia-ctk', ['--version'], options),
      runProgram('nvidia-container-cli', ['--version'], options),
    ]);
    const version = [ctk, cli]
      .map((result) => (result.kind === 'done' ? toolkitVersion(result.stdout) : null))
      .find((found) => found !== null);
    if (version === undefined)
      return ctk.kind === 'missing' && cli.kind === 'missing'
        ? warn(
            'it is not installed here',
            'install nvidia-container-toolkit 1.17.8 or newer, unless the daemon is elsewhere',
          )
        : warn('it does not tell its version', 'nvidia-ctk --version');
    const open = advisories.filter(({ fixed }) => isWithin(version, null, fixed)).map(({ id }) => id);
    return open.length === 0
      ? pass(`${version}, past the floor of ${lowest}`)
      : warn(
          `${version} has ${open.join(', ')} open`,
          `update nvidia-container-toolkit to ${lowest} or newer`,
        );
  },
};
