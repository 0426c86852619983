import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  addPatch,
  applyToDirectory,
  loadKnownSeries,
  loadSeries,
  planDirectory,
  requireReference,
  restoreDirectory,
} from '../../../src/patch/index.ts';
import { type FakeGithub, startFakeGithub } from '../../fixtures/fake-github.ts';
import { patchedSource, samplePath, sampleSource, writeFiles, writeSampleTree } from '../sample-series.ts';
import { moduleDiff, samplePull, section } from './sample-pull.ts';

let github: FakeGithub;
let home: string;
beforeEach(async () => {
  github = await startFakeGithub();
  home = await mkdtemp(join(tmpdir(), 'stepctl-add-'));
});
afterEach(async () => {
  await github.close();
  await rm(home, { recursive: true, force: true });
});

const environment = (): Record<string, string> => ({
  GITHUB_API_URL: github.url,
  XDG_CONFIG_HOME: join(home, 'config'),
  XDG_DATA_HOME: join(home, 'data'),
});
const added = (): string => join(home, 'config', 'stepctl', 'patches');
const add = (change: Partial<Parameters<typeof addPatch>[0]> = {}) =>
  addPatch({
    reference: requireReference('101'),
    again: false,
    env: environment(),
    signal: new AbortController().signal,
    ...change,
  });
const refusal = (code: string, text: string) =>
  expect.objectContaining({ code, reason: expect.stringContaining(text) as string }) as Error;
const written = (): Promise<string[]> => readdir(added()).catch(() => []);

describe('a patch made of a pull request', () => {
  it('keeps the run-time module, leaves test and page out and says so, over more than one page of files', async () => {
    github.pulls.set(101, samplePull());
    const { folder, definition, leftOut } = await add();
    expect(folder).toBe(join(added(), 'pr-101'));
    expect(leftOut).toEqual([
      { path: 'tests/kernels/test_fp4.py', kind: 'test' },
      { path: 'docs/usage.md', kind: 'docs' },
    ]);
    expect(await readFile(join(folder, 'change.diff'), 'utf8')).toBe(moduleDiff);
    expect(definition).toMatchObject({
      kind: 'diff',
      optional: true,
      source: { repository: 'vllm-project/vllm', number: 101, head: 'a'.repeat(40) },
      upstream: { state: 'open', since: null },
    });
    expect(github.log.filter(({ path }) => path.includes('/files'))).toHaveLength(2);
    const readme = await readFile(join(folder, 'README.md'), 'utf8');
    expect(readme).toContain('**Until when.**');
    expect(readme).toContain('`tests/kernels/test_fp4.py` (test)');
  });

  it('is found by its name, applied, recorded and undone like any other', async () => {
    github.pulls.set(101, samplePull());
    await add();
    const series = await loadKnownSeries(environment());
    expect(series.patches.at(-1)).toMatchObject({ id: 'pr-101', origin: 'added' });
    const tree = join(home, 'tree');
    await writeSampleTree(tree, '0.30.0');
    const plan = await planDirectory({ folder: tree, series, ids: ['pr-101'] });
    expect(plan.patches[0]).toMatchObject({ outcome: 'applies' });
    await applyToDirectory(tree, plan);
    expect(await readFile(join(tree, samplePath), 'utf8')).toBe(patchedSource);
    expect(await restoreDirectory(tree)).toEqual([samplePath]);
    expect(await readFile(join(tree, samplePath), 'utf8')).toBe(sampleSource);
  });

  it('knows the first release that has a merged one, from tags that contain its commit', async () => {
    const mergeCommit = 'c'.repeat(40);
    github.pulls.set(101, samplePull({ state: 'closed', mergedAt: '2026-02-22T00:00:00Z', mergeCommit }));
    github.releases.push(
      { tag: 'v0.18.0', at: '2026-03-20T00:00:00Z', contains: [mergeCommit] },
      { tag: 'v0.17.0', at: '2026-03-07T00:00:00Z', contains: [mergeCommit] },
      { tag: 'v0.16.0', at: '2026-02-25T00:00:00Z', contains: [] },
      { tag: 'v0.15.1', at: '2026-02-04T00:00:00Z', contains: [] },
    );
    const { definition } = await add();
    expect(definition.upstream).toMatchObject({ state: 'merged', since: '0.17.0' });
    expect(github.log.filter(({ path }) => path.includes('compare/v')).map(({ path }) => path)).toHaveLength(
      2,
    );
  });

  it('changes nothing the second time, and asks for no answer that it has', async () => {
    github.pulls.set(101, samplePull());
    await add();
    github.log.length = 0;
    expect(await add()).toMatchObject({ isUnchanged: true });
    expect(new Set(github.log.map(({ status }) => status))).toEqual(new Set([304]));
  });

  it('sends the token as a header and keeps it out of everything written', async () => {
    github.pulls.set(101, samplePull());
    await add({ env: { ...environment(), GITHUB_TOKEN: 'ghp_verysecret' } });
    expect(github.log[0]?.auth).toBe('token ghp_verysecret');
    const files = await readdir(home, { recursive: true, withFileTypes: true });
    for (const file of files.filter((one) => one.isFile())) {
      expect(await readFile(join(file.parentPath, file.name), 'utf8')).not.toContain('verysecret');
    }
  });

  it('goes into another series, at its end, its comments kept', async () => {
    const into = join(home, 'own');
    await writeFiles(into, { 'series.yaml': '# ours\npatches: []\n' });
    github.pulls.set(101, samplePull());
    await add({ into, id: 'our-fix', range: '>=0.30.0' });
    expect(await readFile(join(into, 'series.yaml'), 'utf8')).toContain('# ours');
    const { patches } = await loadSeries(into);
    expect(patches.map(({ id, definition }) => [id, definition.range])).toEqual([['our-fix', '>=0.30.0']]);
  });
});

describe('a pull request that moved', () => {
  it('is refused when it is pushed to while it is read, and nothing is written', async () => {
    const pull = samplePull();
    github.pulls.set(101, pull);
    github.after = (path) => {
      if (path.includes('/compare/')) pull.head = 'd'.repeat(40);
    };
    await expect(add()).rejects.toEqual(
      refusal('STEP_PATCH_UPSTREAM', 'its head moved from aaaaaaaaaaaa to dddddddddddd'),
    );
    expect(await written()).toEqual([]);
  });

  it('does not take the place of what was added before unless asked to', async () => {
    github.pulls.set(101, samplePull());
    await add();
    github.pulls.set(
      101,
      samplePull({ head: 'e'.repeat(40), diff: samplePull().diff.replaceAll('"step"', '"stop"') }),
    );
    await expect(add()).rejects.toEqual(
      refusal('STEP_PATCH_ADD', 'the head of the pull request is eeeeeeeeeeee now'),
    );
    expect(await readFile(join(added(), 'pr-101', 'change.diff'), 'utf8')).toBe(moduleDiff);
    await add({ again: true });
    expect(await readFile(join(added(), 'pr-101', 'change.diff'), 'utf8')).toContain('"stop"');
    expect(await written()).toEqual(['pr-101', 'series.yaml']);
  });

  it('is refused when GitHub’s diff lacks one of its files', async () => {
    github.pulls.set(101, samplePull({ files: [...samplePull().files, 'vllm/more.py'] }));
    await expect(add()).rejects.toEqual(
      refusal('STEP_PATCH_UPSTREAM', 'it holds 3 of 4 files; vllm/more.py is not among them'),
    );
  });
});

describe('a pull request that cannot be a patch', () => {
  const hunk = '@@ -1,2 +1,2 @@\n a = 1\n-b = 1\n+b = 2\n';
  it.each([
    [
      'native sources',
      ['csrc/moe/kernel.cu', samplePath],
      section('csrc/moe/kernel.cu', hunk) + moduleDiff,
      'it changes native sources (csrc/moe/kernel.cu)',
    ],
    [
      'a moved module',
      ['vllm/b.py'],
      section('vllm/b.py', hunk, 'rename from vllm/a.py\nrename to vllm/b.py\n')
        .replace('--- a/vllm/b.py', '--- a/vllm/a.py')
        .replace('a/vllm/b.py b', 'a/vllm/a.py b'),
      'it moves vllm/a.py to vllm/b.py',
    ],
    [
      'tests only',
      ['tests/a.py'],
      section('tests/a.py', hunk),
      'none of its 1 files is a module of vLLM at run time',
    ],
    [
      'a symbolic link',
      ['vllm/a.py'],
      section('vllm/a.py', '@@ -0,0 +1 @@\n+../../etc/passwd\n', 'new file mode 120000\n'),
      'vllm/a.py is a symbolic link',
    ],
    [
      'a way out of the package',
      ['vllm/../../x.py'],
      section('vllm/../../x.py', hunk),
      'is no module inside vllm/',
    ],
  ])('%s', async (_title, files, diff, reason) => {
    github.pulls.set(101, samplePull({ files, diff }));
    await expect(add()).rejects.toEqual(refusal('STEP_PATCH_ADD', reason));
    expect(await written()).toEqual([]);
  });
});

describe('when GitHub does not answer', () => {
  it('says until when the rate limit lasts, and asks only once', async () => {
    github.limitedUntil = Date.UTC(2031, 0, 2, 3, 4, 5) / 1000;
    await expect(add()).rejects.toEqual(
      refusal('STEP_PATCH_UPSTREAM', 'it lasts until 2031-01-02T03:04:05.000Z'),
    );
    expect(github.log).toHaveLength(1);
  });

  it('says that there is no such pull request', async () => {
    await expect(add()).rejects.toMatchObject({
      code: 'STEP_PATCH_UPSTREAM',
      verdict: 'GitHub knows no pull request vllm-project/vllm#101',
    });
  });

  it('says that it cannot be reached, and what answers without it', async () => {
    const env = environment();
    await github.close();
    await expect(add({ env })).rejects.toMatchObject({
      code: 'STEP_PATCH_UPSTREAM',
      verdict: 'GitHub cannot be reached',
      next: expect.stringContaining('without --refresh') as string,
    });
  });
});
