import { createTwoFilesPatch } from 'diff';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeDiff } from '../../../src/patch/diffs/judge.ts';
import { parseDiff } from '../../../src/patch/diffs/parse.ts';
import { memoryTree } from '../helpers.ts';

const path = 'vllm/a.py';
const linesOf = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, index) => `line_${from + index} = 0\n`).join('');
const before = linesOf(1, 30);
const after = before.replace('line_15 = 0\n', 'line_15 = 1\nextra = 2\n');
const diffOf = (from: string, to: string): string => createTwoFilesPatch(`a/${path}`, `b/${path}`, from, to);

async function judge(diff: string, text: string | null) {
  const tree = memoryTree(text === null ? {} : { [path]: text });
  const { edits, problems, changes } = await judgeDiff(parseDiff(diff, 'x.diff'), tree);
  return {
    states: edits.map((edit) => edit.state),
    problem: problems[0]?.problem ?? null,
    anchor: problems[0]?.anchor ?? null,
    found: problems[0]?.found ?? null,
    text: changes[0]?.after ?? null,
  };
}

describe('a diff on a tree', () => {
  const diff = diffOf(before, after);

  it.each([
    ['where it was made', before, after],
    ['with lines above', `# one\n# two\n${before}`, `# one\n# two\n${after}`],
    ['with CRLF line ends', before.replaceAll('\n', '\r\n'), after.replaceAll('\n', '\r\n')],
    ['without a line break at the end', before.trimEnd(), after.trimEnd()],
  ])('fits %s', async (_title, source, expected) => {
    expect(await judge(diff, source)).toMatchObject({ states: ['needed'], problem: null, text: expected });
  });

  it('is present where its result stands', async () => {
    expect(await judge(diff, `# moved\n${after}`)).toMatchObject({ states: ['present'], text: null });
  });

  it('does the half that is missing', async () => {
    const both = after.replace('line_28 = 0', 'line_28 = 1');
    const two = diffOf(before, both);
    expect(await judge(two, after)).toMatchObject({ states: ['present', 'needed'], text: both });
  });

  it.each([
    ['the context changed', before.replace('line_14 = 0', 'line_14 = 9'), 'is not there'],
    ['the line changed', before.replace('line_15 = 0', 'line_15 = 9'), 'is not there'],
    ['it fits twice', before + before, 'is there 2 times (lines 11, 41)'],
    [
      'it is there both ways',
      before + after,
      'is there as before (line 11) and as the diff leaves it (line 41)',
    ],
    ['the file is gone', null, 'cannot be looked for: no such file'],
    ['line ends are mixed', `${before}x = 1\r\n`, 'mixes two kinds of line ends'],
  ])('is refused where %s', async (_title, source, problem) => {
    expect(await judge(diff, source)).toMatchObject({ problem, text: null });
  });

  it('names the hunk and what stands there now', async () => {
    const { anchor, found } = await judge(diff, before.replace('line_15 = 0', 'line_15 = 9'));
    expect(anchor).toBe('hunk 1 at line 11 (line_15 = 1)');
    expect(found).toContain('line_15 = 9');
  });

  it('refuses hunks that have changed places', async () => {
    const both = after.replace('line_3 = 0', 'line_3 = 1');
    const swapped = linesOf(11, 30) + linesOf(1, 10);
    expect(await judge(diffOf(before, both), swapped)).toMatchObject({
      problem: 'stands above the hunk before it',
      text: null,
    });
  });

  it('refuses a result that is not Python', async () => {
    expect(await judge(diffOf(before, before.replace('line_15 = 0', 'line_15 = (')), before)).toMatchObject({
      problem: 'gives a file that is not Python',
      text: null,
    });
  });

  it('trusts line numbers only for the very file it was made of', async () => {
    const twice = 'a = 1\nb = 1\nc = 1\n';
    const made = `diff --git a/${path} b/${path}\nindex BLOB..0000000 100644\n--- a/${path}\n+++ b/${path}\n@@ -4,3 +4,3 @@\n a = 1\n-b = 1\n+b = 2\n c = 1\n`;
    // git hash-object of the six lines
    const exact = made.replace('BLOB', '369a513');
    expect(await judge(made.replace('BLOB', '1234567'), twice + twice)).toMatchObject({ text: null });
    expect(await judge(exact, twice + twice)).toMatchObject({ text: `${twice}a = 1\nb = 2\nc = 1\n` });
  });

  it('makes a new file once, and refuses to write over another', async () => {
    const made = `--- /dev/null\n+++ b/${path}\n@@ -0,0 +1,2 @@\n+x = 1\n+y = 2\n`;
    expect(await judge(made, null)).toMatchObject({ states: ['needed'], text: 'x = 1\ny = 2\n' });
    expect(await judge(made, 'x = 1\ny = 2\n')).toMatchObject({ states: ['present'], text: null });
    expect(await judge(made, 'x = 1\n')).toMatchObject({ states: ['conflict'], text: null });
  });

  it('gives the very text the diff was made to give, or refuses: never another', async () => {
    const text = fc
      .array(fc.constantFrom('a = 1', 'b = 1', 'c = 1', 'd = 1', ''), { minLength: 1, maxLength: 25 })
      .map((lines) => lines.join('\n'));
    let applied = 0;
    await fc.assert(
      fc.asyncProperty(text, text, async (from, to) => {
        fc.pre(from !== to && from.trim() !== '' && to !== '');
        let made: string;
        try {
          made = diffOf(from, to);
          parseDiff(made, 'x.made');
        } catch {
          return; // no context line: refused when it is read
        }
        const result = await judge(made, from);
        if (result.text !== null) {
          expect(result.text).toBe(to);
          applied += 1;
        } else expect(result.problem).not.toBeNull();
      }),
      { numRuns: 300 },
    );
    expect(applied).toBeGreaterThan(50);
  });
});
