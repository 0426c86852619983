/** Budget: `stepctl --version` at most 1.5 times a bare `node -e 0`. Both are whole processes, taken in turn. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const rounds = 21;

function timeMs(args: readonly string[]): number {
  const began = performance.now();
  const { status } = spawnSync(process.execPath, args, { stdio: 'ignore' });
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${String(status)}`);
  return performance.now() - began;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const subjects: readonly { name: string; args: readonly string[] }[] = [
  { name: 'node -e 0 (peer)', args: ['-e', '0'] },
  { name: 'stepctl --version, from source', args: [resolve(root, 'src/main.ts'), '--version'] },
  { name: 'stepctl --help, from source', args: [resolve(root, 'src/main.ts'), '--help'] },
  ...(existsSync(resolve(root, 'dist/main.js'))
    ? [
        { name: 'stepctl --version, built', args: [resolve(root, 'dist/main.js'), '--version'] },
        { name: 'stepctl --help, built', args: [resolve(root, 'dist/main.js'), '--help'] },
      ]
    : []),
];
const taken = subjects.map(() => [] as number[]);
for (let round = 0; round <= rounds; round += 1) {
  for (const [index, subject] of subjects.entries()) {
    const ms = timeMs(subject.args);
    // The first round warms the page cache.
    if (round > 0) taken[index]?.push(ms);
  }
}
const peer = median(taken[0] ?? []);
for (const [index, subject] of subjects.entries()) {
  const ms = median(taken[index] ?? []);
  process.stdout.write(
    `${subject.name.padEnd(34)} median ${ms.toFixed(1).padStart(6)} ms   ratio ${(ms / peer).toFixed(2)}\n`,
  );
}
process.stdout.write(`budget: --version ≤ 1.5 × the peer; ${rounds} rounds in turn\n`);
