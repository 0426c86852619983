import type { StartupPhase } from './types.ts';

interface PhasePattern {
  readonly phase: StartupPhase;
  readonly pattern: RegExp;
  /** 1 marks the line that ends the phase; a bar tells its own progress by the groups `done` and `total`. */
  readonly progress?: number;
}

/** Lines that vLLM prints on its way up, in the order of the phases; the first that matches counts. Texts of 0.15.1 to 0.32.0. */
const patterns: readonly PhasePattern[] = [
  { phase: 'server', pattern: /Application startup complete/, progress: 1 },
  { phase: 'server', pattern: /Starting vLLM (API )?server|Available routes are|Started server process/ },
  { phase: 'graphs', pattern: /Capturing CUDA graphs?\b.*\|\s*(?<done>\d+)\/(?<total>\d+)/ },
  {
    phase: 'graphs',
    pattern: /Graph capturing finished|init engine \(profile, create kv cache/,
    progress: 1,
  },
  { phase: 'graphs', pattern: /Capturing CUDA graphs?|FlashInfer autotun|Warming up (?:kernels|sampler)/i },
  {
    phase: 'kv-cache',
    pattern:
      /Available KV cache memory|KV cache size: |Maximum concurrency for|Estimated CUDA graph memory|# GPU blocks/,
  },
  { phase: 'compile', pattern: /torch\.compile (?:takes|took)|Warming up done/, progress: 1 },
  {
    phase: 'compile',
    pattern:
      /torch_compile_cache|Using cache directory: |Dynamo bytecode transform|Compiling a graph|Directly load (?:the|AOT)|Warming up model for the compilation/,
  },
  {
    phase: 'weights',
    pattern: /Loading \w+ checkpoint shards:\s*\d+% Completed \|\s*(?<done>\d+)\/(?<total>\d+)/,
  },
  { phase: 'weights', pattern: /Loading weights took|Model loading took/, progress: 1 },
  { phase: 'weights', pattern: /Loading \w+ checkpoint shards|Auto-prefetch is|Prefetching checkpoint/ },
  {
    phase: 'backends',
    pattern:
      /Starting to load model|Using .*MoE backend|Using \S+ for NVFP4 GEMM|Using \S+ (?:attention )?backend|Initializing model took/,
  },
  {
    phase: 'distributed',
    pattern:
      /Initializing a V1 LLM engine|world_size=\d+ rank=\d+|is using nccl==|all-reduce backends|is assigned as DP rank|OMP threads binding|OpenMP thread binding|DP group leader/,
  },
  {
    phase: 'config',
    pattern:
      /vLLM API server version|non-default args:|Resolved architecture:|Using max model len|\bversion \d+\.\d+\.\d+/,
  },
  {
    phase: 'imports',
    pattern: /Automatically detected platform|Triton (?:is|not) installed|\[importing\.py:/,
  },
];

/**
 * Tells which startup phase a log line belongs to, and how far into it (0 to 1) where the line says so. null for a line
 * that tells nothing. Lines come from several processes and interleave: the caller keeps the furthest phase.
 */
export function recognisePhase(line: string): { phase: StartupPhase; progress: number | null } | null {
  // An error text may quote any of these; a failing start must not look like progress.
  if (/\bERROR\b/.test(line.slice(0, 80))) return null;
  for (const { phase, pattern, progress } of patterns) {
    const match = pattern.exec(line);
    if (match === null) continue;
    const total = Number(match.groups?.['total'] ?? 0);
    const fraction = total > 0 ? Math.min(1, Number(match.groups?.['done'] ?? 0) / total) : null;
    return { phase, progress: progress ?? fraction };
  }
  return null;
}
