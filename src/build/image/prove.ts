import { posix } from 'node:path';
import type { DockerClient } from '../../engine/index.ts';
import { StepError } from '../../lib/index.ts';
import type { SeriesPlan } from '../../patch/index.ts';
import { askOf, parseProbeOutput, passedChecks, requireProbe } from '../probe.ts';
import { renderProbeScript } from '../probe-script.ts';
import { type BuildProof, makeProof, type PackageName, verifyProof } from '../proof.ts';
import { sha256Of } from '../sha256.ts';
import { type ImageFiles, sourceTreeOf, withImageFiles } from './image-files.ts';
import type { ImageLayout } from './layout.ts';
import type { Overlay } from './overlay.ts';
import { runOnce } from './run-once.ts';
import type { TarFile } from './tar.ts';

/** Importing vLLM takes most of a minute on a busy machine. */
const probeTimeoutMs = 10 * 60_000;
const nextStep = 'stepctl patch status; then run the build again';

export interface ProveInput {
  readonly docker: DockerClient;
  readonly image: string;
  readonly layout: ImageLayout;
  readonly plan: SeriesPlan;
  readonly overlay: Overlay;
  readonly package: PackageName;
  readonly emulation: boolean;
  readonly by: string;
  readonly signal: AbortSignal;
}

/** What differs between a file as it was laid over and as it lies in the image; null when nothing does. */
export function differenceOf(wanted: TarFile, found: TarFile | null): string | null {
  if (found === null) return 'is not there';
  if (sha256Of(found.data) !== sha256Of(wanted.data)) return 'has other contents';
  if (found.uid !== wanted.uid || found.gid !== wanted.gid)
    return `belongs to ${found.uid}:${found.gid}, not ${wanted.uid}:${wanted.gid}`;
  if (found.mode !== wanted.mode) return `has mode ${found.mode.toString(8)}, not ${wanted.mode.toString(8)}`;
  return null;
}

/**
 * Looks at the finished image: every file laid over it is read back, then its own Python answers the probe in a
 * container without network. Throws STEP_BUILD_PROOF (exit 4) naming the file or check that says no.
 */
export async function proveImage(input: ProveInput): Promise<BuildProof> {
  const { docker, image, layout, plan, overlay } = input;
  const script = renderProbeScript(askOf(plan));
  const command = [layout.python, '-c', script];
  const answer = await runOnce(docker, { image, command, timeoutMs: probeTimeoutMs, signal: input.signal });
  const packageFolder = posix.join(layout.sitePackages, 'vllm');
  const expected = { plan, package: input.package, packageFolder };
  const report = requireProbe(
    parseProbeOutput(answer.stdout),
    expected,
    nextStep,
    `${answer.stdout}\n${answer.stderr}`,
  );
  return withImageFiles(docker, image, async (files) => {
    await requireFiles(files, overlay.files);
    const tree = sourceTreeOf(files, layout.sitePackages);
    const proof = await makeProof({
      plan,
      package: input.package,
      emulation: input.emulation,
      tree,
      plugins: overlay.plugins,
      checks: passedChecks(report),
      madeAtMs: Date.now(),
      by: input.by,
    });
    const verified = await verifyProof(proof, tree);
    const bad = verified.files.find((file) => file.status !== 'ok');
    if (bad !== undefined) refuse(bad.path, bad.status);
    return proof;
  });
}

async function requireFiles(files: ImageFiles, wanted: readonly TarFile[]): Promise<void> {
  for (const file of wanted) {
    const difference = differenceOf(file, await files.read(`/${file.path}`));
    if (difference !== null) refuse(`/${file.path}`, difference);
  }
}

function refuse(path: string, difference: string): never {
  throw new StepError('STEP_BUILD_PROOF', {
    verdict: `the image does not hold what was laid over it: ${path}`,
    reason: `the file ${difference}`,
    next: nextStep,
    details: { path, difference },
  });
}
