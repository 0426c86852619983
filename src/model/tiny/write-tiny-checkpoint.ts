import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type CheckpointScript, scriptFileName } from '../../lib/index.ts';
import type { Router } from './architecture.ts';
import { createGenerationConfig, createModelConfig } from './config-files.ts';
import { formatJson } from './json-text.ts';
import { describeScripts } from './known-truth.ts';
import { layOutTensors, type TinyFormat } from './layout.ts';
import { buildTinyModel } from './model.ts';
import { type TensorBytes, writeReadable, writeSafetensors } from './safetensors-writer.ts';
import { createSpecialTokensMap, createTokenizer, createTokenizerConfig } from './tokenizer-files.ts';

export interface TinyCheckpointOptions {
  /** Decides every code and where each step of the scripts lives. */
  seed?: number;
  /** Number of safetensors files, at least 1 and at most the number of tensors. */
  shards?: number;
  format?: TinyFormat;
  /** Whether the last layer's experts use swiglustep, the activation the patch is about. */
  swiglustep?: boolean;
  /** `softmax` is what stock vLLM for CPU can route, `sigmoid` what the real model uses. */
  router?: Router;
}

export interface TinyCheckpoint {
  dir: string;
  /** File names within `dir`, sorted. */
  files: string[];
  /** Size of all files. */
  bytes: number;
  /** Number of tensors. */
  tensors: number;
  script: CheckpointScript;
}

/**
 * Writes a complete Step-3.5 checkpoint of toy size whose greedy answers are known: each step of its scripts is
 * known to one expert only, so a load that loses, exchanges or misscales anything says something else.
 * Byte for byte the same for the same options. Throws RangeError on a shard count that cannot be.
 */
export async function writeTinyCheckpoint(
  dir: string,
  options: TinyCheckpointOptions = {},
): Promise<TinyCheckpoint> {
  const { seed = 1, shards = 23, format = 'nvfp4', swiglustep = true, router = 'sigmoid' } = options;
  const model = buildTinyModel({ seed, swiglustep, router });
  const tensors = layOutTensors(model, format);
  const parts = splitEvenly(tensors, shards);
  const script = describeScripts(model.plan, seed);
  const { vocabulary } = model;
  const texts: Record<string, unknown> = {
    'config.json': createModelConfig({ vocabulary, format, swiglustep, router }),
    'generation_config.json': createGenerationConfig(vocabulary),
    'tokenizer.json': createTokenizer(vocabulary),
    'tokenizer_config.json': createTokenizerConfig(vocabulary),
    'special_tokens_map.json': createSpecialTokensMap(),
    'model.safetensors.index.json': createIndex(parts),
    [scriptFileName]: script,
  };

  await mkdir(dir, { recursive: true });
  let bytes = 0;
  for (const [name, value] of Object.entries(texts)) {
    const content = Buffer.from(formatJson(value), 'utf8');
    await writeReadable(join(dir, name), content);
    bytes += content.length;
  }
  for (const [index, part] of parts.entries()) {
    bytes += await writeSafetensors(join(dir, shardName(index, parts.length)), part);
  }
  const files = [...Object.keys(texts), ...parts.map((_, index) => shardName(index, shards))].toSorted();
  return { dir, files, bytes, tensors: tensors.length, script };
}

function shardName(index: number, count: number): string {
  return `model-${fiveDigits(index + 1)}-of-${fiveDigits(count)}.safetensors`;
}

function fiveDigits(value: number): string {
  return String(value).padStart(5, '0');
}

function createIndex(parts: readonly TensorBytes[][]): Record<string, unknown> {
  const places = parts.flatMap((part, index) =>
    part.map(({ name }) => [name, shardName(index, parts.length)] as const),
  );
  const total = parts.flat().reduce((sum, { bytes }) => sum + bytes.length, 0);
  return { metadata: { total_size: total }, weight_map: Object.fromEntries(places) };
}

/** Cuts a list into exactly `count` runs, none empty, sizes differing by one at most. */
function splitEvenly<T>(items: readonly T[], count: number): T[][] {
  if (!Number.isInteger(count) || count < 1 || count > items.length) {
    throw new RangeError(`shards must be a whole number from 1 to ${items.length}, not ${count}`);
  }
  return Array.from({ length: count }, (_, index) =>
    items.slice(Math.floor((index * items.length) / count), Math.floor(((index + 1) * items.length) / count)),
  );
}
