import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { Reporter } from '../../src/lib/index.ts';
import type { PullOptions } from '../../src/model/index.ts';
import { etagOf, repoFolders } from '../../src/model/cache/layout.ts';
import { cachedListing } from '../../src/model/cache/snapshot.ts';

/** A shard with a right header around random bytes. */
export function makeShard(name: string, sizeBytes: number): Buffer {
  const header = Buffer.from(
    JSON.stringify({ [name]: { dtype: 'U8', shape: [sizeBytes], data_offsets: [0, sizeBytes] } }),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, randomBytes(sizeBytes)]);
}

/** Writes files under a folder, sub-folders included. */
export async function writeFiles(
  dir: string,
  files: Readonly<Record<string, string | Buffer>>,
): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), content);
  }
  return dir;
}

/** A small model: config, index, shards of the given sizes, a nested file. */
export function makeModel(shardBytes: readonly number[]): Record<string, string | Buffer> {
  const names = shardBytes.map((_, i) => `model-0000${i + 1}-of-0000${shardBytes.length}.safetensors`);
  const shards = Object.fromEntries(
    shardBytes.map((size, i) => [names[i] ?? '', makeShard(`layer.${i}`, size)]),
  );
  const map = Object.fromEntries(names.map((name, i) => [`layer.${i}`, name]));
  return {
    'config.json': JSON.stringify({
      architectures: ['Step3p5ForCausalLM'],
      model_type: 'step3p5',
      num_hidden_layers: 4,
    }),
    'model.safetensors.index.json': JSON.stringify({ weight_map: map }),
    'sub/dir/notes.txt': 'nested\n',
    'empty.txt': '',
    ...shards,
  };
}

export interface Told {
  readonly reporter: Reporter;
  readonly stages: string[];
  readonly warnings: string[];
}

export function listen(onStage?: (line: string) => void): Told {
  const stages: string[] = [];
  const warnings: string[] = [];
  const stage = (name: string, text: string): void => {
    stages.push(`${name}: ${text}`);
    onStage?.(`${name}: ${text}`);
  };
  return {
    stages,
    warnings,
    reporter: { stage, progress: () => {}, warn: (text) => void warnings.push(text) },
  };
}

/** Options of a pull with the patience of a test. */
export function pullOptions(
  endpoint: string,
  cacheDir: string,
  more: Partial<PullOptions> = {},
): PullOptions {
  const { tuning, ...rest } = more;
  return {
    repo: 'acme/tiny',
    revision: 'main',
    endpoint,
    token: 'hf_secret',
    cacheDir,
    maxConnections: 3,
    reporter: listen().reporter,
    signal: new AbortController().signal,
    ...rest,
    tuning: {
      partBytes: 256 << 10,
      unitBytes: 64 << 10,
      writeBytes: 32 << 10,
      stallWindowMs: 10_000,
      headersTimeoutMs: 2000,
      backoffFirstMs: 2,
      backoffMaxMs: 10,
      maxFailures: 4,
      maxThrottleMs: 2000,
      hashWorkers: 1,
      ...tuning,
    },
  };
}

/** Every file of the cached snapshot hashes to the name of its blob; returns how many there are. */
export async function countProvedFiles(cacheDir: string, repo: string, commit: string): Promise<number> {
  const folders = repoFolders(cacheDir, repo);
  const listing = (await cachedListing(folders, commit)) ?? [];
  for (const file of listing) {
    const data = await readFile(join(folders.snapshots, commit, file.path));
    const digest =
      file.lfsSha256 === null
        ? createHash('sha1').update(`blob ${data.length}\0`).update(data).digest('hex')
        : createHash('sha256').update(data).digest('hex');
    if (digest !== etagOf(file)) throw new Error(`${file.path} is ${digest}, not ${etagOf(file)}`);
  }
  return listing.length;
}
