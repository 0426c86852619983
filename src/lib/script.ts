import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** File in a scripted checkpoint's folder that says what greedy decoding must answer. */
export const scriptFileName = 'stepctl-script.json';

/** One script. Its fields are promises that smoke and readiness compare with what the engine says. */
export interface Script {
  /** chat: plain question; tool: `tools` given; endless: never stops by itself. */
  readonly name: 'chat' | 'tool' | 'endless';
  /** The user message that starts the script (chat and tool accept any other text too). */
  readonly prompt: string;
  /** Text before `</think>`, as the reasoning parser returns it. */
  readonly reasoning: string;
  /** Text after it; empty for a tool call. endless: one round of what repeats for ever. */
  readonly content: string;
  readonly toolCalls: readonly {
    readonly name: string;
    readonly arguments: Readonly<Record<string, string>>;
  }[];
  readonly finish: 'stop' | 'tool_calls' | 'length';
  /** Tokens the engine generates for the whole script, end token included; null where it never ends. */
  readonly completionTokens: number | null;
}

/** Known truth of a scripted checkpoint: what a right load says at temperature 0. */
export interface CheckpointScript {
  readonly schema: 'stepctl/script/1';
  readonly seed: number;
  readonly scripts: readonly Script[];
}

/** zod is loaded here and not above: every command imports lib, few read a checkpoint. */
async function parseScript(text: string): Promise<CheckpointScript> {
  const { z } = await import('zod');
  const script = z.object({
    name: z.enum(['chat', 'tool', 'endless']),
    prompt: z.string(),
    reasoning: z.string(),
    content: z.string(),
    toolCalls: z.array(z.object({ name: z.string(), arguments: z.record(z.string(), z.string()) })),
    finish: z.enum(['stop', 'tool_calls', 'length']),
    completionTokens: z.number().int().nullable(),
  });
  return z
    .object({ schema: z.literal('stepctl/script/1'), seed: z.number().int(), scripts: z.array(script) })
    .parse(JSON.parse(text));
}

/** Reads the known truth beside a checkpoint; null when the checkpoint is an ordinary one. */
export async function readCheckpointScript(modelDir: string): Promise<CheckpointScript | null> {
  let text: string;
  try {
    text = await readFile(join(modelDir, scriptFileName), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  return parseScript(text);
}
