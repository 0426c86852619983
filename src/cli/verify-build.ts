import type { ProofFact } from '../control/index.ts';
import { StepError } from '../lib/index.ts';
import type { ResolvedStack } from '../stack/index.ts';
import type { BuildProof } from '../build/index.ts';
import type { Context, Options } from './context.ts';

/**
 * Proves what the stack's engine is built from: hash of every patched file against the proof, and the answers of the
 * patched classes. A build that is not there yet is made; one that fails its proof throws (exit 4).
 */
export async function verifyStackBuild(context: Context, options: Options): Promise<number> {
  const { resolveFor } = await import('./resolve.ts');
  const { buildArtefact } = await import('./up/artefact.ts');
  const resolved = await resolveFor(context, options);
  const { stack } = resolved;
  const built = await buildArtefact({
    stack,
    env: context.env,
    pull: 'missing',
    reporter: context.reporter,
    signal: context.signal,
  });
  if (built.proof === null) {
    throw new StepError('STEP_PATCH_TREE', {
      verdict: `the ${stack.engine.driver} driver builds nothing, so there is nothing to verify`,
      reason: `profile ${stack.profile} runs without an engine build`,
      next: 'stepctl patch verify --profile tiny-cpu, or --to DIR',
    });
  }
  const { proof } = built;
  const proofs = [
    await lockFact(context, resolved, proof),
    ...(await runningFacts(context, built.name, proof)),
  ];
  const ok = proofs.every(({ verdict }) => verdict !== 'no');
  if (context.json) {
    context.out.json({ schema: 'stepctl/patch-verify/1', artefact: built.name, ok, proofs, proof });
    return ok ? 0 : 4;
  }
  context.out.line(
    `${ok ? 'proved' : 'not proved'}: ${built.name ?? ''} (vLLM ${proof.vllm}, ${proof.package})`,
  );
  for (const { name, verdict, said } of proofs) context.out.line(`  proof ${name}: ${verdict} — ${said}`);
  for (const patch of proof.patches) {
    context.out.line(`  ${patch.id}: ${patch.outcome} — ${patch.reason}`);
    for (const file of patch.files) context.out.line(`    sha256 ${file.sha256.slice(0, 16)}…  ${file.path}`);
    for (const check of patch.checks) context.out.line(`    says yes  ${check}`);
  }
  for (const plugin of proof.plugins) context.out.line(`  plugin ${plugin.name} (${plugin.module})`);
  return ok ? 0 : 4;
}

/** The first proof: hash of every patch and of every file it changed, as the lock has them. */
async function lockFact(context: Context, resolved: ResolvedStack, proof: BuildProof): Promise<ProofFact> {
  const { readLock } = await import('../stack/index.ts');
  const { lockFileOf } = await import('./up/lock-stage.ts');
  const file = lockFileOf(context, resolved);
  const lock = await readLock(file);
  const name = 'lock';
  if (lock === null) return { name, verdict: 'open', said: `there is no ${file}: stepctl lock writes it` };
  const linesOf = (patches: readonly Pick<BuildProof['patches'][number], 'id' | 'hash' | 'files'>[]) =>
    patches.flatMap(({ id, hash, files }) => [
      `patch ${id} ${hash}`,
      ...files.map(({ path, sha256 }) => `${path} ${sha256}`),
    ]);
  const [locked, built] = [linesOf(lock.patches), linesOf(proof.patches)];
  const missing = locked.find((line) => !built.includes(line));
  const extra = built.find((line) => !locked.includes(line));
  if (missing === undefined && extra === undefined)
    return { name, verdict: 'yes', said: `${built.length} hashes are as ${file} says` };
  return {
    name,
    verdict: 'no',
    said: `${file} says ${missing ?? 'nothing'}, built was ${extra ?? 'nothing'}`,
  };
}

/** The second and third proof; the third from the instance's controller, where it runs this very build. */
async function runningFacts(
  context: Context,
  artefact: string | null,
  proof: BuildProof,
): Promise<ProofFact[]> {
  const { findController } = await import('../control/index.ts');
  const { proofFacts } = await import('./up/proofs.ts');
  const own = proofFacts({ artefact: { proof }, runtime: null, lockFact: null }).filter(
    ({ name }) => name !== 'lock',
  );
  const status = await (await findController(context.instance, context.env))?.status();
  const engine =
    status?.build.artefact === artefact
      ? status?.build.proofs.find((one) => one.name === 'engine')
      : undefined;
  const open: ProofFact = {
    name: 'engine',
    verdict: 'open',
    said: 'this build does not run now: stepctl up -d',
  };
  return own.map((fact) => (fact.name === 'engine' ? (engine ?? open) : fact));
}
