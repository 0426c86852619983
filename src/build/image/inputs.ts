import type { ImageInspectInfo } from 'dockerode';
import type { Patch, SeriesPlan } from '../../patch/index.ts';
import { type BuildProof, type PackageName, proofSchema } from '../proof.ts';
import { sha256Of } from '../sha256.ts';
import { type ImageLayout, layoutSchema } from './layout.ts';

/** Changes when the way an overlay is made changes, so that older images are not taken for the same. */
const recipe = 'stepctl/image/2';

export const imageLabels = {
  role: 'stepctl.role',
  baseId: 'stepctl.base.id',
  baseDigest: 'stepctl.base.digest',
  vllm: 'stepctl.vllm',
  package: 'stepctl.package',
  by: 'stepctl.by',
  inputs: 'stepctl.inputs',
  layout: 'stepctl.layout',
  proof: 'stepctl.proof',
  /** One a patch: `stepctl.patch.ID` = `OUTCOME sha256:HASH`. */
  patch: (id: string): string => `stepctl.patch.${id}`,
} as const;

export interface ImageInputs {
  readonly baseId: string;
  readonly package: PackageName;
  readonly vllm: string;
  readonly emulation: boolean;
  readonly patches: readonly Pick<Patch, 'id' | 'hash'>[];
  /** Hash of the runtime proof's plugin. */
  readonly runtime: string;
}

/** Hash of everything that decides what is in the image. */
export function hashInputs(inputs: ImageInputs): string {
  const patches = inputs.patches.map(({ id, hash }) => [id, hash]);
  const { baseId, package: name, vllm, emulation, runtime } = inputs;
  return sha256Of(JSON.stringify([recipe, baseId, name, vllm, emulation, patches, runtime]));
}

/** `stepctl/vllm:<version>-<hash>`: the same inputs always have the same name. */
export const imageTag = (vllm: string, inputsHash: string): string =>
  `stepctl/vllm:${vllm}-${inputsHash.slice(0, 12)}`;

/** Labels of the finished image: every input, the place of vLLM, the proof. */
export function labelsOf(parts: {
  inputs: ImageInputs;
  baseDigest: string | null;
  plan: SeriesPlan;
  layout: ImageLayout;
  proof: BuildProof;
  by: string;
}): Record<string, string> {
  const { inputs, plan } = parts;
  const labels: Record<string, string> = {
    [imageLabels.role]: 'engine-image',
    [imageLabels.baseId]: inputs.baseId,
    [imageLabels.vllm]: inputs.vllm,
    [imageLabels.package]: inputs.package,
    [imageLabels.by]: parts.by,
    [imageLabels.inputs]: hashInputs(inputs),
    [imageLabels.layout]: JSON.stringify(parts.layout),
    [imageLabels.proof]: JSON.stringify(parts.proof),
  };
  if (parts.baseDigest !== null) labels[imageLabels.baseDigest] = parts.baseDigest;
  for (const { id, outcome, hash } of plan.patches)
    labels[imageLabels.patch(id)] = `${outcome} sha256:${hash}`;
  return labels;
}

/**
 * All labels in one instruction: each instruction costs the daemon a container. Single quotes keep `$`, `"` and `\\`
 * as they are, as in a shell.
 */
export const labelInstruction = (labels: Readonly<Record<string, string>>): string =>
  `LABEL ${Object.entries(labels)
    .map(([name, value]) => `${name}='${value.replaceAll("'", `'"'"'`).replaceAll('\n', ' ')}'`)
    .join(' ')}`;

/**
 * What an image under the expected tag says of itself; null when it is not what its name says: other inputs, or layers
 * that do not start with those of the base (a tag can be moved by hand).
 */
export function readBuilt(
  image: Pick<ImageInspectInfo, 'Config' | 'RootFS'>,
  base: Pick<ImageInspectInfo, 'RootFS'>,
  inputsHash: string,
): { layout: ImageLayout; proof: BuildProof; labels: Record<string, string> } | null {
  const labels = image.Config.Labels ?? {};
  if (labels[imageLabels.inputs] !== inputsHash) return null;
  const baseLayers = base.RootFS.Layers ?? [];
  const layers = image.RootFS.Layers ?? [];
  if (layers.length > baseLayers.length + 1 || baseLayers.some((layer, index) => layers[index] !== layer))
    return null;
  try {
    const layout = layoutSchema.safeParse(JSON.parse(labels[imageLabels.layout] ?? ''));
    const proof = proofSchema.safeParse(JSON.parse(labels[imageLabels.proof] ?? ''));
    return layout.success && proof.success ? { layout: layout.data, proof: proof.data, labels } : null;
  } catch {
    return null;
  }
}
