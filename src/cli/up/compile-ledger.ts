import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { EngineSpec } from '../../engine/types.ts';
import { writeFileAtomic } from '../../lib/index.ts';
import type { Stack } from '../../stack/schema.ts';
import { compilerFlags, type CompiledFor, whyCold } from '../../vllm/index.ts';

const kept = 20;

const ledgerSchema = z.object({
  schema: z.literal('stepctl/compiled/1'),
  starts: z.array(
    z.object({
      vllm: z.string(),
      build: z.string(),
      gpus: z.string(),
      model: z.string(),
      flags: z.array(z.string()),
    }),
  ),
});

export interface CompileLedger {
  /** Why this start compiles anew; null when it finds what it needs, or compiles nothing. */
  readonly cold: string | null;
  /** The engine got ready: the next start like it is warm. A failed write costs a message, nothing else. */
  markReady(): Promise<void>;
}

const describeStart = (stack: Stack, spec: EngineSpec): CompiledFor => ({
  vllm: stack.engine.vllm,
  build: spec.image ?? basename(spec.program[0]?.replace(/\/bin\/\w+$/, '') ?? ''),
  gpus: String(stack.engine.gpus),
  model: spec.args[1] ?? '',
  flags: compilerFlags(spec.args),
});

/** Opens what earlier starts of this instance were compiled for; an unreadable file is an empty ledger. */
export async function openCompileLedger(
  stateDir: string,
  stack: Stack,
  spec: EngineSpec,
): Promise<CompileLedger> {
  const path = join(stateDir, 'compiled.json');
  const now = describeStart(stack, spec);
  let earlier: CompiledFor[] = [];
  try {
    earlier = ledgerSchema.parse(JSON.parse(await readFile(path, 'utf8'))).starts;
  } catch {
    // First start, or a file that somebody cut: the message says "before" wrongly once.
  }
  return {
    cold:
      stack.engine.driver === 'process' || stack.engine.driver === 'docker' ? whyCold(earlier, now) : null,
    markReady: async () => {
      const others = earlier.filter((one) => JSON.stringify(one) !== JSON.stringify(now));
      const starts = [...others, now].slice(-kept);
      await writeFileAtomic(path, `${JSON.stringify({ schema: 'stepctl/compiled/1', starts })}\n`).catch(
        () => {},
      );
    },
  };
}
