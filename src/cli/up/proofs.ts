import type { ProofFact } from '../../control/index.ts';
import type { BuildProof, RuntimeFacts } from '../../build/index.ts';
import type { LiveStatus } from './live-status.ts';

/** The three proofs as they stand now; none where this driver builds nothing. Pure. */
export function proofFacts(
  live: Pick<LiveStatus, 'runtime' | 'lockFact'> & {
    readonly artefact: { readonly proof: BuildProof | null } | null;
  },
): readonly ProofFact[] {
  const proof = live.artefact?.proof ?? null;
  if (proof === null) return [];
  const files = [...proof.patches, ...proof.plugins].flatMap((part) => part.files);
  return [
    live.lockFact ?? { name: 'lock', verdict: 'open', said: 'not held against a lock yet' },
    {
      name: 'build',
      verdict: 'yes',
      said: `${files.length} files are as they were built, and its own Python answered ${proof.patches.flatMap((patch) => patch.checks).length} checks with yes`,
    },
    engineFact(live.runtime?.facts() ?? null),
  ];
}

/** The third proof from what the engine's processes said. Pure. */
export function engineFact(facts: RuntimeFacts | null): ProofFact {
  const name = 'engine';
  if (facts === null || facts.processes.length === 0)
    return { name, verdict: 'open', said: 'no process has said anything yet' };
  if (facts.verdict === 'no') return { name, verdict: 'no', said: facts.failures.join('; ') };
  if (facts.verdict === 'pending')
    return { name, verdict: 'open', said: `nothing heard yet of ${facts.silent.join(', ')}` };
  const parts = [`${facts.processes.length} processes run the very files`];
  if (facts.weights !== null)
    parts.push(
      facts.weights.unfilled === 0
        ? `all ${facts.weights.parameters} parameters were filled from the checkpoint`
        : `${facts.weights.unfilled} of ${facts.weights.parameters} parameters were filled by no tensor`,
    );
  if (facts.moe.length > 0)
    parts.push(
      `MoE layers ${facts.moe.map((one) => `${one.layers} ${one.backend} (${one.activation ?? 'no activation'})`).join(', ')}`,
    );
  return { name, verdict: 'yes', said: parts.join('; ') };
}
