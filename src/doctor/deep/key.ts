import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { Stack } from '../../stack/index.ts';
import type { GpuFacts } from '../gpu/types.ts';

/** What a transfer test holds for. Another driver, kernel, boot line or build is another machine. */
export const transferKeySchema = z.object({
  gpus: z.array(z.string()),
  driver: z.string(),
  kernel: z.string(),
  /** Of the kernel's command line: `iommu=pt` there decides whether peer writes arrive. */
  bootHash: z.string(),
  vllm: z.string(),
  engine: z.string(),
});

export type TransferKey = z.infer<typeof transferKeySchema>;

export interface KeyInput {
  readonly stack: Stack;
  readonly gpus: readonly GpuFacts[];
  readonly root: string;
}

/** The key of this machine and stack. Reads the kernel's command line. */
export async function transferKey({ stack, gpus, root }: KeyInput): Promise<TransferKey> {
  const boot = await readFile(join(root, 'proc/cmdline'), 'utf8').catch(() => '');
  const used = gpus.slice(0, stack.serve.tensorParallel);
  return {
    gpus: used.map(({ uuid }) => uuid),
    driver: used[0]?.driver ?? 'none',
    kernel: release(),
    bootHash: createHash('sha256').update(boot.trim()).digest('hex').slice(0, 16),
    vllm: stack.engine.vllm,
    engine: stack.engine.driver === 'docker' ? (stack.engine.image ?? 'own base') : stack.engine.package,
  };
}

const words: Readonly<Record<keyof TransferKey, string>> = {
  gpus: 'other GPUs',
  driver: 'another driver',
  kernel: 'another kernel',
  bootHash: 'another kernel command line',
  vllm: 'another vLLM',
  engine: 'another image or package',
};

/** Why a finding says nothing here; null where it was made for exactly this. Pure. */
export function whyOther(found: TransferKey, here: TransferKey): string | null {
  const names = Object.keys(words) as (keyof TransferKey)[];
  const different = names.filter((name) => JSON.stringify(found[name]) !== JSON.stringify(here[name]));
  if (different.length === 0) return null;
  return `the last test was for ${different.map((name) => words[name]).join(', ')}`;
}
