import type { RuntimeProof } from '../../build/index.ts';
import type { EngineSpec } from '../../engine/types.ts';
import { StepError } from '../../lib/index.ts';
import type { EngineProof } from '../../supervisor/index.ts';
import type { Stack } from '../../stack/schema.ts';
import { intentSignature, type IntentWatch } from '../../vllm/index.ts';
import type { Artefact } from './artefact.ts';

/** Signature of the diagnosis of an engine that is not what was built. */
export const runtimeSignature = 'runtime-proof';

/** The third proof for this stack; null where nothing was built. */
export async function runtimeProofFor(stack: Stack, artefact: Artefact): Promise<RuntimeProof | null> {
  if (artefact.proof === null) return null;
  const { RuntimeProof } = await import('../../build/index.ts');
  return new RuntimeProof({
    proof: artefact.proof,
    workers: stack.serve.tensorParallel,
    moeBackend: stack.serve.moeBackend,
  });
}

/** The same as the supervisor asks for it. */
export const asEngineProof = (runtime: RuntimeProof): EngineProof => ({
  begin: () => runtime.begin(),
  line: (text) => runtime.line(text),
  verdict: (isFinal) => {
    const { verdict, failures, silent } = runtime.facts();
    if (verdict === 'yes') return 'proven';
    if (verdict === 'pending' && !isFinal) return 'pending';
    const evidence = verdict === 'no' ? failures : silent.map((who) => `${who} has not said what it runs`);
    return {
      signature: runtimeSignature,
      cause: evidence[0] ?? '',
      evidence,
      advice:
        verdict === 'no'
          ? 'stepctl patch verify; a build that was changed is made anew once it is removed'
          : 'see whether VLLM_PLUGINS leaves stepctl_runtime_proof out: stepctl logs engine',
      deterministic: true,
      isFinal: true,
    };
  },
});

/** The engine's end told as what it was: the third proof (exit 4) or an intent (exit 6) failed. Other errors are returned as they are. */
export function explainProof(error: unknown): unknown {
  if (!(error instanceof StepError)) return error;
  const diagnosis = error.details['diagnosis'] as
    | { signature?: string; cause?: string; advice?: string }
    | undefined;
  if (diagnosis?.signature === intentSignature) {
    return new StepError('STEP_VLLM_INTENT_NOT_IN_EFFECT', {
      verdict: 'the engine runs, but not as the stack asks; it was taken down',
      reason: diagnosis.cause ?? '',
      next: diagnosis.advice ?? 'stepctl config show --argv',
      details: error.details,
      cause: error,
    });
  }
  if (diagnosis?.signature !== runtimeSignature) return error;
  return new StepError('STEP_BUILD_RUNTIME', {
    verdict: 'proof 3 of 3 (engine) failed: what runs is not what was built; the engine was taken down',
    reason: diagnosis.cause ?? '',
    next: diagnosis.advice ?? 'stepctl patch verify',
    details: { proof: 'engine', ...error.details },
    cause: error,
  });
}

/** The same engine, told to say what it runs. An allow-list of plugins that the stack sets gets ours beside its own. */
export async function withProof(spec: EngineSpec, runtime: RuntimeProof): Promise<EngineSpec> {
  const { nonceVariable, runtimeModule } = await import('../../build/index.ts');
  const allowed = spec.env['VLLM_PLUGINS'];
  const plugins = allowed === undefined ? {} : { VLLM_PLUGINS: `${allowed},${runtimeModule}` };
  return { ...spec, env: { ...spec.env, ...plugins, [nonceVariable]: runtime.nonce } };
}

/** The proof of the build, if there is one, and that of the intents: either may refuse the engine. */
export const withIntents = (build: EngineProof | null, intents: IntentWatch): EngineProof => ({
  begin: () => {
    build?.begin();
    intents.begin();
  },
  line: (text) => intents.line(text) || build?.line(text) === true,
  verdict: (isFinal) => {
    const own = build?.verdict(isFinal) ?? 'proven';
    return typeof own === 'object' ? own : (intents.refusal() ?? own);
  },
});
