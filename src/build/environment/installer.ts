import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Reporter } from '../../lib/index.ts';
import type { PackageName } from '../proof.ts';
import { installError, listedReleases, recogniseFailure } from './failure.ts';
import { watchInstall } from './install-progress.ts';
import type { PythonFound } from './python.ts';
import { pythonOf, sitePackagesOf } from './ready.ts';
import { requirementLines } from './requirements.ts';
import { runTool, type ToolResult } from './run.ts';

export interface InstallInput {
  readonly package: PackageName;
  readonly version: string;
  readonly python: PythonFound;
  /** Folder of the environment; made here. */
  readonly dir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
}

/** How packages get into the environment: uv (from PATH, or fetched into it), else pip. */
interface Installer {
  readonly name: string;
  readonly install: (args: readonly string[]) => Promise<ToolResult>;
}

/** Makes the environment and installs the release with everything it needs. Throws StepError (STEP_BUILD_PYTHON: an older Python is worth a try) and leaves the folder half-made then. */
export async function installRelease(input: InstallInput): Promise<void> {
  const installer = await createFolder(input);
  const wanted = `${input.package}==${input.version}`;
  input.reporter.stage('build', `installing ${wanted} with ${installer.name}`);
  const plain = await installer.install([wanted]);
  if (plain.ok) return;
  const kind = recogniseFailure(plain.output, input.package, input.version);
  if (kind !== 'cpu-pin') throw await explain(input, plain);
  input.reporter.stage(
    'build',
    'the index holds no +cpu builds of torch: taking the same releases without the suffix',
  );
  const wheel = await installer.install(['--no-deps', wanted]);
  if (!wheel.ok) throw await explain(input, wheel);
  const rest = await installer.install(['-r', await writeRequirements(input)]);
  if (!rest.ok) throw await explain(input, rest);
}

async function writeRequirements(input: InstallInput): Promise<string> {
  const sitePackages = sitePackagesOf(input.dir, input.python.version);
  const info = `${input.package.replaceAll('-', '_')}-${input.version}`;
  const folder = (await readdir(sitePackages)).find(
    (name) => name.startsWith(info) && name.endsWith('.dist-info'),
  );
  const metadata = await readFile(join(sitePackages, folder ?? `${info}.dist-info`, 'METADATA'), 'utf8');
  const file = join(input.dir, 'requirements.txt');
  await writeFile(file, `${requirementLines(metadata).join('\n')}\n`);
  return file;
}

async function createFolder(input: InstallInput): Promise<Installer> {
  const { dir, python, env, signal, reporter } = input;
  const parent = join(dir, '..');
  const made = await runTool({
    command: 'uv',
    args: ['venv', '--python', python.executable, dir],
    cwd: parent,
    env,
    signal,
  });
  if (made.ok) return uvInstaller('uv', input);
  const fallback = made.isMissing ? 'uv is not on PATH' : 'uv could not make it';
  reporter.stage('build', `${fallback}: making the environment with python -m venv`);
  const plain = await runTool({
    command: python.executable,
    args: ['-m', 'venv', '--clear', dir],
    cwd: parent,
    env,
    signal,
  });
  if (!plain.ok) throw await explain(input, plain);
  const pip = pipInstaller(input);
  const fetched = await pip.install(['uv']);
  return fetched.ok ? uvInstaller(join(dir, 'bin', 'uv'), input) : pip;
}

function uvInstaller(command: string, input: InstallInput): Installer {
  const base = ['pip', 'install', '--python', pythonOf(input.dir)];
  return { name: 'uv', install: (args) => runInstall(command, [...base, ...args], input) };
}

function pipInstaller(input: InstallInput): Installer {
  const base = ['-m', 'pip', 'install', '--disable-pip-version-check', '--progress-bar', 'off'];
  return { name: 'pip', install: (args) => runInstall(pythonOf(input.dir), [...base, ...args], input) };
}

function runInstall(command: string, args: readonly string[], input: InstallInput): Promise<ToolResult> {
  const { dir, env, signal, reporter } = input;
  return runTool({ command, args, cwd: dir, env, signal, onLine: watchInstall(reporter) });
}

async function explain(input: InstallInput, result: ToolResult) {
  const kind = recogniseFailure(result.output, input.package, input.version);
  const nearest = kind === 'version' ? await findNearest(input, result.output) : [];
  const { package: packageName, version, python } = input;
  return installError(kind, { packageName, version, python: python.version, output: result.output, nearest });
}

/** The releases around the one that is not there: as pip lists them, or asked of uv one side at a time. */
async function findNearest(input: InstallInput, output: string): Promise<readonly string[]> {
  const listed = listedReleases(output);
  if (listed.length > 0) {
    const below = listed.filter((item) => compare(item, input.version) < 0).at(-1);
    const above = listed.find((item) => compare(item, input.version) > 0);
    return [below, above].filter((item) => item !== undefined);
  }
  const sides = [
    ['highest', `${input.package}<${input.version}`],
    ['lowest', `${input.package}>${input.version}`],
  ] as const;
  const found: string[] = [];
  for (const [resolution, wanted] of sides) {
    const args = [
      'pip',
      'compile',
      '--no-deps',
      '--quiet',
      '--resolution',
      resolution,
      '--python',
      input.python.executable,
      '-',
    ];
    const { env, signal, dir: cwd } = input;
    const answer = await runTool({
      command: 'uv',
      args,
      cwd,
      env,
      signal,
      input: `${wanted}\n`,
      timeoutMs: 30_000,
    });
    const version = new RegExp(`^${input.package}==(\\S+)$`, 'm').exec(answer.output)?.[1];
    if (answer.ok && version !== undefined) found.push(version);
  }
  return found;
}

const compare = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });
