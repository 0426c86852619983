import { describe, expect, it } from 'vitest';
import { parseDiff } from '../../../src/patch/diffs/parse.ts';

const header = (path: string): string => `--- a/${path}\n+++ b/${path}\n`;
const hunk = '@@ -1,3 +1,3 @@\n a\n-b\n+c\n d\n';
const git = (from: string, to: string, extra = ''): string =>
  `diff --git a/${from} b/${to}\n${extra}--- a/${from}\n+++ b/${to}\n${hunk}`;

describe('reading a unified diff', () => {
  it.each([
    ['of git', git('vllm/a.py', 'vllm/a.py', 'index 1234567..89abcde 100644\n')],
    ['of diff -u', header('vllm/a.py') + hunk],
    ['without prefixes', `--- vllm/a.py\n+++ vllm/a.py\n${hunk}`],
    ['with a time behind the names', `--- a/vllm/a.py\t2026-01-01\n+++ b/vllm/a.py\t2026-01-02\n${hunk}`],
    ['with CRLF line ends', (header('vllm/a.py') + hunk).replaceAll('\n', '\r\n')],
    ['without a line break at its end', (header('vllm/a.py') + hunk).trimEnd()],
    [
      'with a letter above it',
      `Subject: change\n\n---\n vllm/a.py | 2 +-\n\n${git('vllm/a.py', 'vllm/a.py')}`,
    ],
  ])('%s', (_title, text) => {
    const [file] = parseDiff(text, 'x.diff');
    expect(file).toMatchObject({ path: 'vllm/a.py', isNew: false });
    expect(file?.hunks).toEqual([
      { number: 1, line: 1, before: ['a\n', 'b\n', 'd\n'], after: ['a\n', 'c\n', 'd\n'] },
    ]);
  });

  it('keeps apart a file with and without a line break at its end', () => {
    const text = `${header('vllm/a.py')}@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+c\n`;
    expect(parseDiff(text, 'x.diff')[0]?.hunks[0]).toMatchObject({
      before: ['a\n', 'b'],
      after: ['a\n', 'c\n'],
    });
  });

  it('knows a new file', () => {
    const text =
      'diff --git a/vllm/n.py b/vllm/n.py\nnew file mode 100644\n--- /dev/null\n+++ b/vllm/n.py\n@@ -0,0 +1 @@\n+x = 1\n';
    expect(parseDiff(text, 'x.diff')).toMatchObject([
      { path: 'vllm/n.py', isNew: true, hunks: [{ before: [], after: ['x = 1\n'] }] },
    ]);
  });
});

describe('what a diff may not do', () => {
  it.each([
    [
      'leave vllm/ by ../',
      header('vllm/../../etc/x.py') + hunk,
      'vllm/../../etc/x.py is no module inside vllm/',
    ],
    ['name an absolute path', `--- /etc/x.py\n+++ /etc/x.py\n${hunk}`, '/etc/x.py is no module inside vllm/'],
    ['change a file beside vllm/', header('setup.py') + hunk, 'setup.py is no module inside vllm/'],
    ['change a native source', header('vllm/x.cu') + hunk, 'vllm/x.cu is no module inside vllm/'],
    ['use backslashes', header('vllm\\x.py') + hunk, 'is no module inside vllm/'],
    ['make a symbolic link', git('vllm/a.py', 'vllm/a.py', 'new file mode 120000\n'), 'symbolic link'],
    ['delete', `--- a/vllm/a.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n`, 'it deletes vllm/a.py'],
    [
      'move',
      git('vllm/a.py', 'vllm/b.py', 'rename from vllm/a.py\nrename to vllm/b.py\n'),
      'it moves vllm/a.py to vllm/b.py',
    ],
    [
      'change one file twice',
      git('vllm/a.py', 'vllm/a.py') + git('vllm/a.py', 'vllm/a.py'),
      'vllm/a.py is there twice',
    ],
    [
      'change a binary file',
      'diff --git a/vllm/a.py b/vllm/a.py\nindex 1..2 100644\nBinary files a/vllm/a.py and b/vllm/a.py differ\n',
      'binary',
    ],
    [
      'insert without a line of context',
      `${header('vllm/a.py')}@@ -3,0 +4 @@\n+x\n`,
      'hunk 1 of vllm/a.py has no line of context',
    ],
    ['be no diff', 'hello\n', 'there is no file and no hunk in it'],
    ['be empty', '', 'there is no file and no hunk in it'],
    ['be cut off', `${header('vllm/a.py')}@@ -1,3 +1,3 @@\n a\n-b\n`, 'invalid line'],
  ])('%s', (_title, text, reason) => {
    expect(() => parseDiff(text, 'x.diff')).toThrowError(
      expect.objectContaining({ code: 'STEP_PATCH_DIFF', reason: expect.stringContaining(reason) as string }),
    );
  });
});
