import type { EndFacts } from '../signatures/signature.ts';
import type { Diagnosis } from '../types.ts';
import { type DatedHit, evidenceLimit, type StartFindings, StartReader } from './reader.ts';

export interface DiagnoseInput {
  readonly lines: readonly string[];
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly oomKilled: boolean;
  readonly everReady: boolean;
}

/** How the engine ended, as far as somebody saw it. */
export type EngineEnd = Omit<DiagnoseInput, 'lines'>;

const describeEnd = ({ exitCode, signal }: EndFacts): string => {
  if (signal !== null) return `the engine was ended by ${signal}`;
  return exitCode === null ? 'the engine ended' : `the engine ended with code ${exitCode}`;
};

const killedForMemory = (facts: EndFacts, evidence: readonly string[]): Diagnosis => ({
  signature: 'host-out-of-memory',
  cause: `the kernel killed the engine for memory${facts.everReady ? ' while it served' : ' during the start'}`,
  evidence,
  advice:
    'give it more memory, or lower serve.maxModelLen; on a CPU also VLLM_CPU_KVCACHE_SPACE in serve.env',
  deterministic: !facts.everReady,
});

const fromHit = (hit: DatedHit, more: readonly string[], facts: EndFacts): Diagnosis => {
  const { cause, advice } = hit.signature.describe(hit.match, { ...facts, phase: hit.phase });
  // A start that worked before is worth trying again, whatever ended it.
  const deterministic = hit.signature.deterministic && !facts.everReady;
  return {
    signature: hit.signature.id,
    cause,
    evidence: [...new Set([hit.line, ...more])].slice(0, evidenceLimit),
    advice,
    deterministic,
  };
};

const fromEnd = (evidence: readonly string[], facts: EndFacts): Diagnosis => {
  if (facts.signal === 'SIGBUS' || facts.exitCode === 135) {
    return {
      signature: 'shared-memory',
      cause: 'the engine died of a bus error: /dev/shm is too small for the workers',
      evidence,
      advice: 'raise engine.shmSize, for instance to 32g (vllm#1771)',
      deterministic: !facts.everReady,
    };
  }
  if (facts.signal === 'SIGKILL' || facts.exitCode === 137) {
    return {
      signature: 'killed',
      cause: 'the engine was killed (SIGKILL), by a person, a supervisor or the kernel for lack of memory',
      evidence,
      advice: 'dmesg | grep -i -E "killed process|oom" tells whether it was the kernel',
      deterministic: false,
    };
  }
  const unasked =
    facts.exitCode === 0 ? ' although nobody asked it to; vLLM does so when its core is gone' : '';
  return {
    signature: 'unknown',
    cause: `${describeEnd(facts)}${unasked}; no known failure is in its log`,
    evidence,
    advice: 'read the last lines: stepctl logs engine --previous',
    deterministic: false,
  };
};

/**
 * Finds the cause of an engine's end in what its log told. The first line of a strong signature wins, because later
 * failures are consequences; wrappers ("Engine core initialization failed") are never the cause; weak signatures count
 * only alone. An engine that had been ready never gets a deterministic diagnosis. Pure.
 */
export function concludeStart(findings: StartFindings, end: EngineEnd): Diagnosis {
  const { strong, weak, more, version, phase } = findings;
  const facts: EndFacts = { ...end, version, phase };
  const shown = findings.lastErrors.length > 0 ? findings.lastErrors : findings.lastLines;
  if (strong !== null) return fromHit(strong, more, facts);
  if (facts.oomKilled) return killedForMemory(facts, shown);
  return weak === null ? fromEnd(shown, facts) : fromHit(weak, more, facts);
}

/** The same for lines that are at hand whole. Pure. */
export function diagnose({ lines, ...end }: DiagnoseInput): Diagnosis {
  const reader = new StartReader();
  for (const [index, line] of lines.entries()) reader.add(line, index + 1);
  return concludeStart(reader.findings(), end);
}
