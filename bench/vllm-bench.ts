/**
 * `stepctl bench` beside `vllm bench serve` on one real engine, in turn (A B A B …), so that a machine that changes its
 * speed changes both. Needs a stack that is up: `stepctl up -d --profile tiny-cpu`. Each round has prompts of its own: a
 * seed that comes twice would be answered from the prefix cache.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { type BenchResult, compareWithVllmBench, renderComparison } from '../src/bench/index.ts';
import { findController } from '../src/control/index.ts';

const rounds = 5;
const load = { requests: 10, input: 64, output: 128 };
const main = resolve(import.meta.dirname, '../src/main.ts');

const controller = await findController('default');
const status = await controller?.status();
const key = await controller?.localKey();
if (status?.engine.driver !== 'process' || status.proxy.url === null || key == null) {
  process.stdout.write(
    'skipped: no stack with the process driver is up as "default" (stepctl up -d --profile tiny-cpu)\n',
  );
} else {
  const { url, servedName } = status.proxy;
  const python = status.engine.command[0] ?? '';
  const dir = await mkdtemp(join(tmpdir(), 'stepctl-bench-vllm-'));
  const asText = Object.entries({
    'random-input-len': load.input,
    'random-output-len': load.output,
    'num-prompts': load.requests,
  });
  const ratios = new Map<string, number[]>();
  try {
    for (let round = 1; round <= rounds; round += 1) {
      const ours = join(dir, `ours-${round}.json`);
      const theirs = join(dir, `theirs-${round}.json`);
      const own = [
        'bench',
        '--scenario',
        'decode',
        '--requests',
        String(load.requests),
        '--input-tokens',
        String(load.input),
        '--output-tokens',
        String(load.output),
        '--seed',
        String(round),
        '--output',
        ours,
      ];
      await execa(process.execPath, [main, ...own]);
      const peer = [
        '-m',
        'vllm.entrypoints.cli.main',
        'bench',
        'serve',
        '--backend',
        'openai-chat',
        '--base-url',
        url,
        '--endpoint',
        '/v1/chat/completions',
        '--model',
        servedName,
        '--tokenizer',
        status.model.path ?? '',
        '--dataset-name',
        'random',
        ...asText.flatMap(([name, value]) => [`--${name}`, String(value)]),
        '--max-concurrency',
        '1',
        '--ignore-eos',
        '--temperature',
        '0',
        '--seed',
        String(1000 + round),
        '--save-result',
        '--result-filename',
        theirs,
      ];
      await execa(python, peer, { env: { OPENAI_API_KEY: key, HF_HUB_OFFLINE: '1' } });
      const comparison = compareWithVllmBench(
        JSON.parse(await readFile(ours, 'utf8')) as BenchResult,
        JSON.parse(await readFile(theirs, 'utf8')),
      );
      process.stdout.write(`round ${round}: ${renderComparison(comparison)}\n\n`);
      for (const { figure, ratio } of comparison.figures) {
        if (ratio !== null) ratios.set(figure, [...(ratios.get(figure) ?? []), ratio]);
      }
    }
    process.stdout.write(`median ratio stepctl / vllm over ${rounds} rounds in turn\n`);
    for (const [figure, values] of ratios) {
      const sorted = values.toSorted((a, b) => a - b);
      const text = `${(sorted[0] ?? 0).toFixed(3)} … ${(sorted.at(-1) ?? 0).toFixed(3)}`;
      process.stdout.write(
        `  ${figure.padEnd(20)} ${(sorted[Math.floor(sorted.length / 2)] ?? 0).toFixed(3)}   (${text})\n`,
      );
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
