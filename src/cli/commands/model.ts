import { resolve } from 'node:path';
import { StepError } from '../../lib/index.ts';
import type { CommandSpec } from '../context.ts';
import { parseWhole } from '../numbers.ts';
import { formatBytes } from '../progress.ts';

export const modelTinyCommand: CommandSpec = {
  name: 'model tiny',
  summary: 'write the scripted tiny checkpoint: real architecture, toy size, known text',
  args: [{ name: '<dir>', description: 'folder to write; must not exist or be empty' }],
  options: [
    { flags: '--shards <count>', description: 'safetensors files', default: '23' },
    { flags: '--nvfp4', description: 'per-expert NVFP4 as llm-compressor lays it out; BF16 otherwise' },
    { flags: '--no-swiglustep', description: 'silu in every layer, also the last' },
    { flags: '--seed <number>', description: 'same seed, same bytes', default: '1' },
  ],
  examples: ['stepctl model tiny ./tiny --nvfp4', 'stepctl up --profile tiny-cpu --set model.path=$PWD/tiny'],
  run: async (context, args, options) => {
    const { readdir } = await import('node:fs/promises');
    const dir = resolve(args[0] ?? '');
    const there = await readdir(dir).catch(() => []);
    if (there.length > 0)
      throw new StepError('STEP_USAGE', {
        verdict: `${dir} is not empty`,
        reason: `it holds ${there.length} entries, and nothing of yours is overwritten`,
        next: 'name a new folder',
      });
    const { writeTinyCheckpoint } = await import('../../model/index.ts');
    const made = await writeTinyCheckpoint(dir, {
      seed: parseWhole(options['seed'], '--seed') ?? 1,
      shards: parseWhole(options['shards'], '--shards') ?? 23,
      format: options['nvfp4'] === true ? 'nvfp4' : 'bf16',
      swiglustep: options['swiglustep'] !== false,
    });
    if (context.json) return context.out.json({ schema: 'stepctl/tiny/1', ...made });
    context.out.line(`wrote ${made.tensors} tensors, ${formatBytes(made.bytes)}, to ${dir}`);
    for (const script of made.script.scripts)
      context.out.line(
        `  ${script.name.padEnd(8)} "${script.prompt}" → ${script.content === '' ? script.toolCalls.map((call) => `${call.name}(${JSON.stringify(call.arguments)})`).join(', ') : `"${script.content}"`}`,
      );
  },
};
