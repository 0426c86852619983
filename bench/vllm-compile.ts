/** Budgets: the release table loads in at most 30 ms, a stack compiles in at most 5 ms; beside JSON.parse of the same file. */
import { readFileSync } from 'node:fs';
import { resolveStack } from '../src/stack/index.ts';
import { compileServe, knownReleases, releaseFacts } from '../src/vllm/index.ts';
import { tableFile } from '../src/vllm/table/table.ts';

const timeMs = (work: () => unknown): number => {
  const began = performance.now();
  work();
  return performance.now() - began;
};
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const parse = timeMs(() => JSON.parse(readFileSync(tableFile, 'utf8')));
const load = timeMs(() => releaseFacts(knownReleases().at(-1) ?? ''));
process.stdout.write(`JSON.parse of the table (peer)     ${parse.toFixed(2)} ms, first time\n`);
process.stdout.write(
  `table loaded, newest row built     ${load.toFixed(2)} ms, ratio ${(load / parse).toFixed(1)}; budget 30 ms\n`,
);
for (const version of ['0.16.0', '0.33.0']) {
  const { stack } = await resolveStack({
    profile: 'step-3.5-flash-nvfp4',
    cwd: '/nonexistent',
    env: {},
    sets: [`engine.vllm=${version}`, 'serve.extraArgs=["--max-num-seqs","64","--kv-cache-dtype","fp8"]'],
    flags: {},
    extraArgs: [],
    pickProfile: () => Promise.reject(new Error('a profile is named')),
  });
  const run = () => compileServe({ stack, modelPath: '/model' });
  const first = timeMs(run);
  const taken = median(Array.from({ length: 501 }, () => timeMs(run)));
  process.stdout.write(
    `compile for ${version.padEnd(8)}               first ${first.toFixed(2)} ms, median of 501 ${taken.toFixed(3)} ms; budget 5 ms\n`,
  );
}
