import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { DockerClient } from '../../engine/index.ts';
import { type Reporter, StepError } from '../../lib/index.ts';
import { inspectImage, pullImage, type PullPolicy } from './ensure-image.ts';

/** Debian's own image, where it can be had. */
const debian = 'debian:bookworm-slim';
/** The same from Debian's package mirror, made here where no image registry can be reached. */
const ownRoot = 'stepctl/cpu-root:bookworm';
const packages = 'python3,python3-venv,ca-certificates,libnuma1';
const debootstrapTimeoutMs = 900_000;

export interface CpuRootInput {
  readonly docker: DockerClient;
  /** A Debian root image to use instead of looking for one. */
  readonly root: string | null;
  readonly pullPolicy: PullPolicy;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
}

/**
 * A Debian root image for the CPU base: the one named, one that is here, one pulled, or one made with debootstrap (as
 * root). Throws STEP_BUILD_ROOT where none of these works.
 */
export async function ensureCpuRoot(input: CpuRootInput): Promise<string> {
  const { docker, reporter, signal } = input;
  for (const candidate of input.root === null ? [debian, ownRoot] : [input.root])
    if ((await inspectImage(docker, candidate)) !== null) return candidate;
  const wanted = input.root ?? debian;
  let refusal = 'pulling is switched off';
  if (input.pullPolicy !== 'never') {
    try {
      await pullImage(docker, wanted, reporter, signal);
      return wanted;
    } catch (error) {
      if (signal.aborted) throw error;
      refusal = error instanceof StepError ? (error.reason ?? error.verdict) : String(error);
    }
  }
  if (input.root === null && process.getuid?.() === 0 && (await hasDebootstrap())) {
    reporter.stage('build', `no registry to pull ${debian} from: making a Debian root with debootstrap`);
    await makeRoot(docker, signal);
    return ownRoot;
  }
  throw new StepError('STEP_BUILD_ROOT', {
    verdict: 'no Debian root image for the CPU base',
    reason: `${wanted} is not here and could not be pulled: ${refusal}`,
    next: 'docker pull debian:bookworm-slim; or install debootstrap and run as root; or set STEPCTL_CPU_ROOT to a Debian image that is here',
  });
}

async function hasDebootstrap(): Promise<boolean> {
  const { failed } = await execa('debootstrap', ['--version'], { reject: false });
  return !failed;
}

async function makeRoot(docker: DockerClient, signal: AbortSignal): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'stepctl-root-'));
  const options = { timeout: debootstrapTimeoutMs, cancelSignal: signal, all: true } as const;
  try {
    await execa('debootstrap', ['--variant=minbase', `--include=${packages}`, 'bookworm', folder], options);
    const tar = execa('tar', ['-C', folder, '-c', '.'], { buffer: false, timeout: debootstrapTimeoutMs });
    const [repo, tag] = ownRoot.split(':');
    const progress = (await docker.importImage(tar.stdout, {
      repo,
      tag,
    })) as unknown as NodeJS.ReadableStream;
    await Promise.all([
      tar,
      new Promise<void>((resolve, reject) => {
        docker.modem.followProgress(progress, (error) => (error === null ? resolve() : reject(error)));
      }),
    ]);
  } catch (error) {
    const said = (error as { all?: unknown }).all;
    throw new StepError('STEP_BUILD_ROOT', {
      verdict: 'debootstrap could not make a Debian root',
      reason: typeof said === 'string' ? (said.trim().split('\n').at(-1) ?? '') : String(error),
      next: 'check that the Debian mirror can be reached: debootstrap --variant=minbase bookworm /tmp/root',
      cause: error,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
