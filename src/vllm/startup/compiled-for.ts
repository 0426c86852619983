/** What decides whether vLLM finds its compiled graphs again. */
export interface CompiledFor {
  readonly vllm: string;
  /** Image or environment. */
  readonly build: string;
  readonly gpus: string;
  readonly model: string;
  /** Flags that reach the compiler, in order. */
  readonly flags: readonly string[];
}

/** Flags of the server and of what it reads out of the text: another value compiles nothing anew. */
const outside = new Set([
  '--served-model-name',
  '--reasoning-parser',
  '--tool-call-parser',
  '--enable-auto-tool-choice',
  '--shutdown-timeout',
  '--gpu-memory-utilization',
  '--trust-remote-code',
  '--max-model-len',
  '--port',
  '--host',
  '--uds',
]);

/** The flags of a command line that matter to the compiler, `NAME VALUE` each. Pure. */
export function compilerFlags(args: readonly string[]): string[] {
  const flags: string[] = [];
  for (const [at, arg] of args.entries()) {
    if (!arg.startsWith('--') || outside.has(arg.split('=')[0] ?? '')) continue;
    const next = args[at + 1];
    flags.push(next === undefined || next.startsWith('-') || arg.includes('=') ? arg : `${arg} ${next}`);
  }
  return flags;
}

const names = {
  vllm: 'the vLLM release',
  build: 'the build',
  gpus: 'the GPUs',
  model: 'the model',
} as const;

const listChange = (before: readonly string[], now: readonly string[]): string[] => {
  const came = now.filter((flag) => !before.includes(flag)).map((flag) => `+${flag}`);
  const went = before.filter((flag) => !now.includes(flag)).map((flag) => `-${flag}`);
  return came.length + went.length === 0 ? [] : [`the flags changed (${[...came, ...went].join(', ')})`];
};

/**
 * Why this start has to compile anew, told against the start that came last; null when one like it was ready before, or
 * when it compiles nothing (`--enforce-eager`). Pure.
 */
export function whyCold(earlier: readonly CompiledFor[], now: CompiledFor): string | null {
  if (now.flags.includes('--enforce-eager')) return null;
  if (earlier.some((one) => JSON.stringify(one) === JSON.stringify(now))) return null;
  const last = earlier.at(-1);
  if (last === undefined) return 'nothing was compiled here before';
  const changed = (Object.keys(names) as (keyof typeof names)[])
    .filter((key) => last[key] !== now[key])
    .map((key) => `${names[key]} changed (${last[key]} → ${now[key]})`);
  return [...changed, ...listChange(last.flags, now.flags)].join('; ');
}
