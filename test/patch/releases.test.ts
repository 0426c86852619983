import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  loadReleases,
  loadSeries,
  measuredPatches,
  measuredRow,
  modulesOf,
  patchesDir,
  workHash,
} from '../../src/patch/index.ts';

const series = await loadSeries(patchesDir());
const releases = await loadReleases(patchesDir());
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stepctl-measured-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the measurement of every release', () => {
  it('was taken with the patches as they are now', () => {
    const now = measuredPatches(series).map((patch) => [patch.id, workHash(patch)]);
    expect(releases.patches).toEqual(Object.fromEntries(now));
  });

  it('has a row for each release from 0.15.1 on, and none is a conflict', () => {
    const versions = releases.releases.map((release) => release.version);
    expect(versions[0]).toBe('0.15.1');
    expect(versions.length).toBeGreaterThanOrEqual(27);
    for (const { version, rows } of releases.releases) {
      expect(Object.keys(rows), version).toEqual(Object.keys(releases.patches));
      for (const row of Object.values(rows)) expect(row.outcome, version).not.toBe('conflict');
    }
  });

  it('says nothing of a patch that has changed since', () => {
    const [patch] = measuredPatches(series);
    if (patch?.definition.kind !== 'edits') throw new Error('the first patch is one of edits');
    expect(measuredRow(releases, patch, '0.16.0')?.outcome).toBe('applies');
    const changed = { ...patch, definition: { ...patch.definition, range: '*' } };
    expect(measuredRow(releases, changed, '0.16.0')).toBeNull();
    expect(measuredRow(releases, patch, '9.9.9')).toBeNull();
  });

  it('reads every module that an edit or a condition names', () => {
    const paths = modulesOf(measuredPatches(series));
    expect(paths).toContain('vllm/model_executor/layers/fused_moe/activation.py');
    expect(paths).toContain('vllm/transformers_utils/configs/step3p5.py');
  });

  it('is refused, naming the file, where it is not as its schema says', async () => {
    await writeFile(join(folder, 'releases.json'), '{"schema":"stepctl/patch-releases/1"}');
    await expect(loadReleases(folder)).rejects.toMatchObject({
      code: 'STEP_PATCH_SERIES',
      verdict: `${join(folder, 'releases.json')} cannot be used`,
    });
  });
});
