import type { Stack } from '../../stack/index.ts';
import type { Diagnosis } from '../types.ts';
import { EngineFactsReader } from './engine-facts.ts';
import { type IntentProof, judgeIntents } from './judge-intents.ts';

/** Signature of an engine that runs other than the stack asks for. */
export const intentSignature = 'intent-not-in-effect';

/** Follows one engine after the other and says of each whether it does what the stack asks for. */
export class IntentWatch {
  readonly #stack: Stack;
  #reader = new EngineFactsReader();
  #proofs: readonly IntentProof[];

  constructor(stack: Stack) {
    this.#stack = stack;
    this.#proofs = judgeIntents(stack, this.#reader.facts());
  }

  /** Another engine starts. */
  begin(): void {
    this.#reader = new EngineFactsReader();
    this.#proofs = judgeIntents(this.#stack, this.#reader.facts());
  }

  /** True when the line refutes an intent. */
  line(text: string): boolean {
    if (!this.#reader.add(text)) return false;
    this.#proofs = judgeIntents(this.#stack, this.#reader.facts());
    return this.refusal() !== null;
  }

  proofs(): readonly IntentProof[] {
    return this.#proofs;
  }

  /** Why this engine must not serve; null while nothing is against it. */
  refusal(): Diagnosis | null {
    const wrong = this.#proofs.filter(({ outcome }) => outcome === 'refuted');
    if (wrong.length === 0) return null;
    return {
      signature: intentSignature,
      cause: `the engine does not do what the stack asks for: ${wrong.map(({ intent, said }) => `${intent}, but ${said}`).join('; ')}`,
      evidence: wrong.map(({ said }) => said),
      advice: 'stepctl config show --argv tells what was asked of vLLM; change the intent, or engine.vllm',
      deterministic: true,
      isFinal: true,
    };
  }
}
