import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/** File in a scripted checkpoint's folder that says what greedy decoding must answer. */
export const scriptFileName = 'stepctl-script.json';

const scriptSchema = z.object({
  /** chat: plain question; tool: `tools` given; endless: never stops by itself. */
  name: z.enum(['chat', 'tool', 'endless']),
  /** The user message that starts the script (chat and tool accept any other text too). */
  prompt: z.string(),
  /** Text before `</think>`, as the reasoning parser returns it. */
  reasoning: z.string(),
  /** Text after it; empty for a tool call. endless: one round of what repeats for ever. */
  content: z.string(),
  toolCalls: z.array(z.object({ name: z.string(), arguments: z.record(z.string(), z.string()) })),
  finish: z.enum(['stop', 'tool_calls', 'length']),
  /** Tokens the engine generates for the whole script, end token included; null where it never ends. */
  completionTokens: z.number().int().nullable(),
});

const checkpointScriptSchema = z.object({
  schema: z.literal('stepctl/script/1'),
  seed: z.number().int(),
  scripts: z.array(scriptSchema),
});

export type Script = z.infer<typeof scriptSchema>;
/** Known truth of a scripted checkpoint: what a right load says at temperature 0. */
export type CheckpointScript = z.infer<typeof checkpointScriptSchema>;

/** Reads the known truth beside a checkpoint; null when the checkpoint is an ordinary one. */
export async function readCheckpointScript(modelDir: string): Promise<CheckpointScript | null> {
  let text: string;
  try {
    text = await readFile(join(modelDir, scriptFileName), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  return checkpointScriptSchema.parse(JSON.parse(text));
}
