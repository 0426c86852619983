import { readFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { EngineSpec } from '../../engine/index.ts';
import { writeFileAtomic } from '../../lib/index.ts';
import type { StartupPhase } from '../../vllm/types.ts';

const keptStarts = 20;

const startSchema = z.object({
  /** Hash of what was started: another model's times say nothing. */
  key: z.string(),
  /** From the order to ready, ms. */
  totalMs: z.number(),
  /** ms after the order at which each phase began. */
  phases: z.record(z.string(), z.number()),
});
const historySchema = z.object({ schema: z.literal('stepctl/starts/1'), starts: z.array(startSchema) });

export type StartTimes = z.infer<typeof startSchema>;

/** What decides how long a start takes: program, arguments, image. */
export const startKey = (spec: EngineSpec): string =>
  createHash('sha256')
    .update(JSON.stringify([spec.program, spec.args, spec.image]))
    .digest('hex')
    .slice(0, 16);

/** Largest nearest-rank value that 90 of 100 earlier ones do not exceed; null of none. */
export function percentile90(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * 0.9) - 1)] ?? null;
}

export interface StartProgress {
  readonly phase: StartupPhase;
  readonly elapsedMs: number;
  readonly inPhaseMs: number;
}

/**
 * ms until ready as earlier starts tell: what they still needed from the beginning of this phase, less the time already
 * in it. Null without history. Pure.
 */
export function estimateReadyInMs(starts: readonly StartTimes[], now: StartProgress): number | null {
  const rests = starts.flatMap(({ totalMs, phases }) => {
    const began = phases[now.phase];
    return began === undefined ? [] : [totalMs - began];
  });
  const rest = percentile90(rests);
  if (rest !== null) return Math.max(0, Math.round(rest - now.inPhaseMs));
  const total = percentile90(starts.map(({ totalMs }) => totalMs));
  return total === null ? null : Math.max(0, Math.round(total - now.elapsedMs));
}

export interface StartHistory {
  /** Starts of the same key, oldest first. */
  starts(): readonly StartTimes[];
  add(times: Omit<StartTimes, 'key'>): Promise<void>;
}

/** Opens the file of earlier start times; a missing or unreadable one is empty history. */
export async function openStartHistory(path: string, key: string): Promise<StartHistory> {
  const text = await readFile(path, 'utf8').catch(() => '');
  let all: StartTimes[] = [];
  try {
    all = historySchema.parse(JSON.parse(text)).starts;
  } catch {
    // A guess at the time to wait is all that is lost.
  }
  let own = all.filter((entry) => entry.key === key);
  return {
    starts: () => own,
    add: async (times) => {
      all = [...all, { key, ...times }].slice(-keptStarts);
      own = all.filter((entry) => entry.key === key);
      await writeFileAtomic(path, `${JSON.stringify({ schema: 'stepctl/starts/1', starts: all })}\n`);
    },
  };
}
