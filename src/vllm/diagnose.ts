import { fileSignatures } from './signatures/files.ts';
import { hostSignatures } from './signatures/host.ts';
import { kernelSignatures } from './signatures/kernels.ts';
import { memorySignatures } from './signatures/memory.ts';
import { settingSignatures } from './signatures/settings.ts';
import type { EndFacts, Signature } from './signatures/signature.ts';
import type { Diagnosis } from './types.ts';

/** Order matters only where one line matches two: the special one comes first. */
export const signatures: readonly Signature[] = [
  ...settingSignatures,
  ...kernelSignatures,
  ...memorySignatures,
  ...fileSignatures,
  ...hostSignatures,
];

export interface DiagnoseInput {
  readonly lines: readonly string[];
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly oomKilled: boolean;
  readonly everReady: boolean;
}

interface Hit {
  readonly signature: Signature;
  readonly match: RegExpExecArray;
  readonly line: string;
}

/** Lines that only say that something above went wrong. */
const wrappers =
  /Engine core initialization failed|WorkerProc (?:initialization failed|failed to start)|EngineCore failed to start|See stack trace/;

// oxlint-disable-next-line no-control-regex -- colour codes start with an escape character
const colours = /\u001b\[[\d;]*m/g;
const quiet = /^(?:\([^)]*\) )?(?:DEBUG|INFO|WARNING)\b/;
const evidenceLimit = 6;

const clean = (line: string): string => line.replaceAll(colours, '').trimEnd().slice(0, 600);

const isQuiet = (line: string): boolean => quiet.test(line) || /^\[W\d{4} /.test(line);

const hitsOf = (line: string): Hit[] => {
  if (line === '' || (wrappers.test(line) && !/died unexpectedly/.test(line))) return [];
  const silent = isQuiet(line);
  return signatures.flatMap((signature) => {
    if (silent && signature.inWarnings !== true) return [];
    const match = signature.pattern.exec(line);
    return match === null ? [] : [{ signature, match, line }];
  });
};

const versionIn = (lines: readonly string[]): string | null => {
  for (const line of lines) {
    const found =
      /LLM engine \(v(\d+\.\d+\.\d+\S*?)\)|API server version v?(\d+\.\d+\.\d+)|█.*\bversion (\d+\.\d+\.\d+)/.exec(
        line,
      );
    if (found !== null) return found[1] ?? found[2] ?? found[3] ?? null;
  }
  return null;
};

/** Last lines that look like errors, for a failure nobody has named yet. */
const lastErrors = (lines: readonly string[]): string[] => {
  const errors = lines.filter(
    (line) =>
      /\b(?:ERROR|CRITICAL|FATAL)\b|^\S*(?:Error|Exception)\b.*:|Traceback/.test(line) &&
      !wrappers.test(line),
  );
  const shown = errors.length > 0 ? errors : lines.filter((line) => line !== '');
  return shown.slice(-evidenceLimit);
};

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

const fromHit = (hit: Hit, lines: readonly string[], facts: EndFacts): Diagnosis => {
  const { cause, advice } = hit.signature.describe(hit.match, facts);
  const more = lines.filter(
    (line) => line !== hit.line && hit.signature.pattern.test(line) && !isQuiet(line),
  );
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

const fromEnd = (lines: readonly string[], facts: EndFacts): Diagnosis => {
  const evidence = lastErrors(lines);
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
 * Finds the cause of an engine's end in its log. The first line of a strong signature wins, because later failures are
 * consequences; wrappers ("Engine core initialization failed") are never the cause; weak signatures count only alone.
 * An engine that had been ready never gets a deterministic diagnosis. Pure.
 */
export function diagnose(input: DiagnoseInput): Diagnosis {
  const lines = input.lines.map(clean);
  const facts: EndFacts = {
    exitCode: input.exitCode,
    signal: input.signal,
    oomKilled: input.oomKilled,
    everReady: input.everReady,
    version: versionIn(lines),
  };
  let weak: Hit | null = null;
  for (const line of lines) {
    for (const hit of hitsOf(line)) {
      if (hit.signature.weak !== true) return fromHit(hit, lines, facts);
      weak ??= hit;
    }
  }
  if (facts.oomKilled) return killedForMemory(facts, lastErrors(lines));
  return weak === null ? fromEnd(lines, facts) : fromHit(weak, lines, facts);
}
