import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderDiff, type SeriesPlan } from '../../src/patch/index.ts';
import { writeFiles } from './sample-series.ts';

const path = 'vllm/a.py';
const planOf = (before: string, after: string): SeriesPlan => ({
  version: '0.16.0',
  patches: [],
  files: [{ path, isNew: false, before: { sha256: '', text: before }, after: { sha256: '', text: after } }],
});
const lines = (values: readonly string[]): string => values.map((value) => `${value}\n`).join('');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stepctl-diff-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the plan as a unified diff', () => {
  it('shows three lines around each change', () => {
    const before = ['1', '2', '3', '4', '5', '6', '7', '8', '9'];
    const after = ['1', '2', '3', '4', 'five', '6', '7', '8', '9'];
    expect(renderDiff(planOf(lines(before), lines(after)))).toBe(
      `--- a/${path}\n+++ b/${path}\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n`,
    );
  });

  it('is empty when nothing changes', () => {
    expect(renderDiff({ version: '0.16.0', patches: [], files: [] })).toBe('');
  });

  it('is taken by git apply and gives the very text of the plan', async () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c', 'd', ''), { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(text, text, async (before, after) => {
        fc.pre(lines(before) !== lines(after));
        await writeFiles(folder, { [path]: lines(before) });
        const input = renderDiff(planOf(lines(before), lines(after)));
        await execa('git', ['apply', '--unidiff-zero', '-'], {
          cwd: folder,
          input,
          env: { GIT_CEILING_DIRECTORIES: tmpdir() },
        });
        expect(await readFile(join(folder, path), 'utf8')).toBe(lines(after));
      }),
      { numRuns: 40 },
    );
  });
});
