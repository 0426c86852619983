import type { ImageInspectInfo } from 'dockerode';
import { loadKnownSeries } from '../patch/index.ts';
import { inspectImage } from './image/ensure-image.ts';
import { sourceTreeOf, withImageFiles } from './image/image-files.ts';
import { hashInputs, labelsOf, readBuilt } from './image/inputs.ts';
import { buildLayer, nameImage } from './image/layer.ts';
import { findLayout, type ImageLayout } from './image/layout.ts';
import { makeOverlay } from './image/overlay.ts';
import { proveImage } from './image/prove.ts';
import { findBase, type ImageInput, planPatches, planWork, type Work } from './image/work.ts';
import type { BuildProof } from './proof.ts';

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

/**
 * Lays the patch series over an image that holds vLLM, as one layer, and proves the result before it gets its name.
 * Nothing runs while the layer is made: no compiler, git, network or pip. Unchanged inputs build nothing.
 * Throws STEP_BUILD_*, STEP_PATCH_*, STEP_DOCKER_IMAGE; STEP_BUILD_PROOF (exit 4) names the file or check that says no.
 */
export async function buildImage(input: ImageInput): Promise<BuiltImage> {
  const series = await loadKnownSeries(input.env, input.patchesFolder);
  const base = await findBase(input, series);
  const work = planWork(input, series, base);
  const ready = await findReady(work, base);
  if (ready !== null) return ready;
  return makeImage(work, base);
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
  const { layout, labels, proof } = built;
  return { ...describe(work, layout), imageId: image.Id, labels, proof, reused: true };
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
    // noprune: the daemon would take a base without a name along with its last child.
    if (layer !== base.Id)
      await docker
        .getImage(layer)
        .remove({ noprune: true })
        .catch(() => undefined);
    throw error;
  }
}
