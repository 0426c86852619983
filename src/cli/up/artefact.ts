import { readVersion } from '../version.ts';
import type { PatchFact } from '../../control/index.ts';
import type { Lock } from '../../stack/index.ts';
import type { Stack } from '../../stack/schema.ts';
import type { BuildProof } from '../../build/index.ts';
import { dataDir, StepError } from '../../lib/index.ts';
import type { Reporter } from '../../lib/index.ts';

/** What the build stage leaves for the launch: how to reach `vllm`, and the proof of what is in it. */
export interface Artefact {
  readonly program: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly image: string | null;
  readonly user: { readonly uid: number; readonly gid: number } | null;
  readonly labels: Readonly<Record<string, string>>;
  /** Image tag or environment folder, for people. */
  readonly name: string | null;
  readonly patches: readonly PatchFact[];
  readonly emulation: boolean;
  readonly proof: BuildProof | null;
  /** docker: what the lock pins of base and result. */
  readonly pins: Lock['engine']['image'];
}

export interface BuildInput {
  readonly stack: Stack;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pull: 'missing' | 'always' | 'never';
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
}

const nothingBuilt = (program: readonly string[]): Artefact => ({
  program,
  env: {},
  image: null,
  user: null,
  labels: {},
  name: null,
  patches: [],
  emulation: false,
  proof: null,
  pins: null,
});

/** The build stage of every driver. Says what it did, or why this driver has nothing to build. */
export async function buildArtefact(input: BuildInput): Promise<Artefact> {
  const { driver } = input.stack.engine;
  switch (driver) {
    case 'sim':
      input.reporter.stage(
        'build',
        'left out: the simulator stands in for vLLM, so there is no image to build and nothing to patch',
      );
      return nothingBuilt(['vllm']);
    case 'external':
      input.reporter.stage(
        'build',
        `left out: ${input.stack.engine.url ?? 'the engine'} is run by somebody else`,
      );
      return nothingBuilt(['vllm']);
    case 'process':
      return buildEnvironment(input);
    case 'docker':
      return buildContainerImage(input);
  }
}

async function buildEnvironment({ stack, env, reporter, signal }: BuildInput): Promise<Artefact> {
  const { prepareEnvironment } = await import('../../build/index.ts');
  const built = await prepareEnvironment({
    package: stack.engine.package,
    vllm: stack.engine.vllm,
    patches: stack.patches,
    emulation: stack.emulation,
    dataDir: dataDir(env),
    by: `stepctl ${readVersion()}`,
    reporter,
    signal,
  });
  return {
    ...nothingBuilt(built.program),
    env: built.env,
    name: built.dir,
    patches: patchFacts(built.proof),
    emulation: built.proof.emulation,
    proof: built.proof,
  };
}

async function buildContainerImage({ stack, pull, reporter, signal }: BuildInput): Promise<Artefact> {
  const { buildImage } = await import('../../build/index.ts');
  const { connectDocker } = await import('../../engine/index.ts');
  if (stack.engine.package === 'vllm' && stack.emulation) {
    throw new StepError('STEP_BUILD_EMULATION', {
      verdict: 'CPU emulation has no place in a CUDA image',
      reason: 'it would stand in for the very kernels that the image is for',
      next: '--set emulation=false, or the profile tiny-cpu',
    });
  }
  const built = await buildImage({
    docker: await connectDocker(),
    base: stack.engine.image,
    package: stack.engine.package,
    vllm: stack.engine.vllm,
    patches: stack.patches,
    emulation: stack.emulation,
    pullPolicy: pull,
    by: `stepctl ${readVersion()}`,
    reporter,
    signal,
  });
  return {
    program: built.program,
    env: built.env,
    image: built.tag,
    user: ownUser() ?? built.user,
    labels: {},
    name: built.tag,
    patches: patchFacts(built.proof),
    emulation: built.proof.emulation,
    proof: built.proof,
    pins: {
      reference: stack.engine.image ?? `stepctl/cpu-base ${stack.engine.package} ${stack.engine.vllm}`,
      digest: built.labels['stepctl.base.digest']?.split('@')[1] ?? null,
      baseId: built.baseId,
      id: built.imageId,
    },
  };
}

/** The user who runs stepctl owns model and caches, so the engine runs as that user; root leaves it to the image's own. */
function ownUser(): { uid: number; gid: number } | null {
  const uid = process.getuid?.() ?? 0;
  return uid === 0 ? null : { uid, gid: process.getgid?.() ?? uid };
}

const patchFacts = (proof: BuildProof): PatchFact[] =>
  proof.patches.map((patch) => ({
    id: patch.id,
    outcome: patch.outcome === 'applies' ? 'applied' : patch.outcome,
    reason: patch.reason,
  }));
