/**
 * Milliseconds to apply the series to one tree of vLLM sources, beside GNU patch with the same change as a diff. stepctl
 * reads and judges the syntax trees, keeps the originals and writes a record; patch only moves lines.
 * Needs GNU patch. Run: node bench/patch-apply.ts [VLLM_RELEASE [ROUNDS]]
 */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { applyToDirectory, loadSeries, patchesDir, planDirectory, renderDiff } from '../src/patch/index.ts';
import { releaseSources } from '../test/fixtures/vllm-releases.ts';

const [release = '0.16.0', rounds = '15'] = process.argv.slice(2);
const ids = ['swiglustep-nvfp4-moe'];
const source = await releaseSources(release);
const scratch = await mkdtemp(join(tmpdir(), 'stepctl-patch-apply-'));

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** Milliseconds of the work on a fresh tree; laying the tree out is not counted. */
async function measure(
  paths: readonly string[],
  work: (folder: string) => Promise<unknown>,
): Promise<number> {
  const folder = await mkdtemp(join(scratch, 'tree-'));
  for (const path of paths) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await cp(join(source, path), join(folder, path));
  }
  const start = performance.now();
  await work(folder);
  const took = performance.now() - start;
  await rm(folder, { recursive: true });
  return took;
}

try {
  const series = await loadSeries(patchesDir());
  const begin = performance.now();
  const plan = await planDirectory({ folder: source, series, ids });
  const cold = performance.now() - begin;
  const paths = ['vllm/_version.py', ...plan.files.map((file) => file.path)];
  const change = join(scratch, 'change.diff');
  await writeFile(change, renderDiff(plan));
  const edits: number[] = [];
  const lines: number[] = [];
  for (let round = 0; round < Number(rounds); round += 1) {
    edits.push(
      await measure(paths, async (folder) =>
        applyToDirectory(folder, await planDirectory({ folder, series, ids })),
      ),
    );
    lines.push(
      await measure(paths, (folder) => execa('patch', ['-p1', '--silent', '-i', change], { cwd: folder })),
    );
  }
  const [own, peer] = [median(edits), median(lines)];
  process.stdout.write(
    [
      `vLLM ${release}, ${plan.files.length} files, ${rounds} rounds, median`,
      `stepctl    ${own.toFixed(0)} ms (budget 500 ms; the first plan of the process, which loads the grammar: ${cold.toFixed(0)} ms)`,
      `GNU patch  ${peer.toFixed(0)} ms`,
      `ratio      ${(own / peer).toFixed(1)}`,
      '',
    ].join('\n'),
  );
} finally {
  await rm(scratch, { recursive: true, force: true });
}
