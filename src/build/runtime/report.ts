import { z } from 'zod';

/** Marks a line of the engine's log as one that stepctl's plugin wrote. */
export const runtimeMark = '@@stepctl-proof ';

/** Environment variable that makes the plugin speak; its value comes back in every line, so that no prompt can forge one. */
export const nonceVariable = 'STEPCTL_PROOF';

const answer = z.union([z.literal(true), z.string()]);

const moduleSchema = z.object({
  path: z.string(),
  sha256: z.string().nullable(),
  /** true: what is loaded was compiled from these very bytes; else what was seen instead. */
  code: answer,
});

const moeSchema = z.object({
  /** Class of the quantisation method. */
  method: z.string(),
  /** Kernel in vLLM's own words, e.g. `VLLM_CUTLASS`. */
  backend: z.string(),
  activation: z.string().nullable(),
  /** Layer numbers, e.g. `3-42`. */
  layers: z.string(),
});

const reportSchema = z.object({
  nonce: z.string(),
  kind: z.enum(['process', 'model']),
  role: z.enum(['api', 'core', 'worker']),
  rank: z.number().int().nullable(),
  pid: z.number().int(),
  /** More of the same report follows. */
  isPart: z.boolean().default(false),
  /** What kept the plugin from looking. */
  error: z.string().optional(),
  model: z.string().optional(),
  modules: z.array(moduleSchema).optional(),
  patches: z.record(z.string(), z.record(z.string(), answer)).optional(),
  moe: z.array(moeSchema).optional(),
  /** null: this loader does not tell. */
  weights: z
    .object({ parameters: z.number().int(), unfilled: z.number().int(), names: z.array(z.string()) })
    .nullable()
    .optional(),
});

/** What one process of the engine says of itself. */
export type RuntimeReport = z.infer<typeof reportSchema>;
export type MoeFact = z.infer<typeof moeSchema>;

/** Reads a line of the engine's log; null where it is no report, or one of somebody who does not know the nonce. */
export function parseReport(line: string, nonce: string): RuntimeReport | null {
  const at = line.indexOf(runtimeMark);
  if (at === -1) return null;
  try {
    const report = reportSchema.safeParse(JSON.parse(line.slice(at + runtimeMark.length))).data ?? null;
    return report?.nonce === nonce ? report : null;
  } catch {
    return null;
  }
}

/** Joins the parts of long reports: one entry a process and kind, in the order in which they were closed. */
export function joinReports(lines: readonly RuntimeReport[]): readonly RuntimeReport[] {
  const open = new Map<string, RuntimeReport>();
  const closed: RuntimeReport[] = [];
  for (const line of lines) {
    const key = `${line.pid} ${line.kind}`;
    const { isPart } = line;
    const whole = { ...open.get(key), ...line };
    if (isPart) open.set(key, whole);
    else {
      open.delete(key);
      closed.push(whole);
    }
  }
  return closed;
}
