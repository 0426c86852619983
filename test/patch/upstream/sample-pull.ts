import type { FakePull } from '../../fixtures/fake-github.ts';
import { sampleSource, samplePath } from '../sample-series.ts';

export const section = (path: string, body: string, extra = ''): string =>
  `diff --git a/${path} b/${path}\n${extra}--- a/${path}\n+++ b/${path}\n${body}`;

const modulePart = section(
  samplePath,
  `@@ -1,3 +1,3 @@\n class Fp4:\n     def supports(a):\n-        return a in ["silu"]\n+        return a in ["silu", "step"]\n`,
);
const testPart = section('tests/kernels/test_fp4.py', '@@ -1 +1,2 @@\n import os\n+import sys\n');
const docsPart = section('docs/usage.md', '@@ -1 +1,2 @@\n hello\n+there\n');

if (!sampleSource.includes('return a in ["silu"]')) throw new Error('the sample has changed');

/** A pull request of one module, one test and one page: three files, two pages of them. */
export const samplePull = (change: Partial<FakePull> = {}): FakePull => ({
  number: 101,
  title: '[Model] Accept step',
  head: 'a'.repeat(40),
  base: 'b'.repeat(40),
  state: 'open',
  mergedAt: null,
  mergeCommit: null,
  files: [samplePath, 'tests/kernels/test_fp4.py', 'docs/usage.md'],
  diff: modulePart + testPart + docsPart,
  ...change,
});

export const moduleDiff = modulePart;
