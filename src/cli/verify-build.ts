import { StepError } from '../lib/index.ts';
import type { Context, Options } from './context.ts';

/**
 * Proves what the stack's engine is built from: hash of every patched file against the proof, and the answers of the
 * patched classes. A build that is not there yet is made; one that fails its proof throws (exit 4).
 */
export async function verifyStackBuild(context: Context, options: Options): Promise<number> {
  const { resolveFor } = await import('./resolve.ts');
  const { buildArtefact } = await import('./up/artefact.ts');
  const { stack } = await resolveFor(context, options);
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
  if (context.json) {
    context.out.json({ schema: 'stepctl/patch-verify/1', artefact: built.name, ok: true, proof });
    return 0;
  }
  context.out.line(`proved: ${built.name ?? ''} (vLLM ${proof.vllm}, ${proof.package})`);
  for (const patch of proof.patches) {
    context.out.line(`  ${patch.id}: ${patch.outcome} — ${patch.reason}`);
    for (const file of patch.files) context.out.line(`    sha256 ${file.sha256.slice(0, 16)}…  ${file.path}`);
    for (const check of patch.checks) context.out.line(`    says yes  ${check}`);
  }
  for (const plugin of proof.plugins) context.out.line(`  plugin ${plugin.name} (${plugin.module})`);
  return 0;
}
