/**
 * Budget: `stepctl doctor` within 3 s as a whole process, on this machine, on a fake two-GPU machine, and where
 * nvidia-smi hangs. Beside it a peer that only asks: nvidia-smi of the same fake, once.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const rounds = 7;
const budgetMs = 3000;
const folder = mkdtempSync(join(tmpdir(), 'stepctl-bench-doctor-'));

/** A folder in front of the PATH with a fake nvidia-smi of a shape of the tests. */
function withSmi(name: string, shape: string): string {
  const fake = resolve(root, 'test/fixtures/nvidia-smi/fake-nvidia-smi.ts');
  const dir = mkdtempSync(join(folder, `${name}-`));
  writeFileSync(join(dir, 'nvidia-smi'), `#!/bin/sh\nexec '${process.execPath}' '${fake}' '${shape}' "$@"\n`);
  chmodSync(join(dir, 'nvidia-smi'), 0o755);
  return `${dir}:${process.env['PATH'] ?? ''}`;
}

function timeMs(args: readonly string[], PATH: string): number {
  const began = performance.now();
  const { status } = spawnSync(process.execPath, args, { stdio: 'ignore', env: { ...process.env, PATH } });
  // 0 nothing blocks, 2 something does: both are an answer.
  if (status !== 0 && status !== 2) throw new Error(`${args.join(' ')} ended with ${String(status)}`);
  return performance.now() - began;
}

const own = process.env['PATH'] ?? '';
const twoGpus = withSmi('two', 'two RTX PRO 6000, driver 595');
const hanging = withSmi('hang', 'a driver that hangs');
const stepctl = resolve(root, 'src/main.ts');
const big = ['--profile', 'step-3.5-flash-nvfp4'];
const smi = resolve(root, 'test/fixtures/nvidia-smi/fake-nvidia-smi.ts');
const subjects = [
  {
    name: 'one nvidia-smi of the fake (peer)',
    args: [smi, 'two RTX PRO 6000, driver 595', 'topo', '-m'],
    path: own,
  },
  { name: 'doctor, demo, here', args: [stepctl, 'doctor', '--profile', 'demo'], path: own },
  { name: 'doctor, tiny-cpu, here', args: [stepctl, 'doctor', '--profile', 'tiny-cpu'], path: own },
  { name: 'doctor, big profile, two GPUs', args: [stepctl, 'doctor', ...big], path: twoGpus },
  { name: 'doctor, big profile, nvidia-smi hangs', args: [stepctl, 'doctor', ...big], path: hanging },
  { name: 'doctor, no profile, nvidia-smi hangs', args: [stepctl, 'doctor'], path: hanging },
];
const taken = subjects.map(() => [] as number[]);
for (let round = 0; round < rounds; round += 1)
  for (const [index, { args, path }] of subjects.entries()) taken[index]?.push(timeMs(args, path));
rmSync(folder, { recursive: true });

const sorted = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);
const peer = sorted(taken[0] ?? [])[Math.floor(rounds / 2)] ?? Number.NaN;
for (const [index, { name }] of subjects.entries()) {
  const values = sorted(taken[index] ?? []);
  const median = values[Math.floor(rounds / 2)] ?? Number.NaN;
  const worst = values.at(-1) ?? Number.NaN;
  process.stdout.write(
    `${name.padEnd(40)} median ${median.toFixed(0).padStart(5)} ms   worst ${worst.toFixed(0).padStart(5)} ms   ${(median / peer).toFixed(1)} × the peer\n`,
  );
}
process.stdout.write(`budget: every doctor ≤ ${budgetMs} ms; ${rounds} rounds in turn\n`);
