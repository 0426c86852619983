import { expect, test } from 'vitest';
import { StepError } from '../../src/lib/index.ts';
import { compileServe, knownReleases, releaseFacts } from '../../src/vllm/index.ts';
import { stackOf } from './helpers.ts';

const compile = async (profile: string, sets: string[] = []) =>
  compileServe({ stack: await stackOf(profile, sets), modelPath: '/m' });

const refusal = async (profile: string, sets: string[]): Promise<StepError> => {
  const thrown: unknown = await compile(profile, sets).then(
    () => null,
    (error: unknown) => error,
  );
  if (thrown instanceof StepError) return thrown;
  throw new Error('was not refused');
};

test('the card to the letter: 0.16.0 gets the flags and the variable of the model card', async () => {
  const { args, env, warnings } = await compile('step-3.5-flash-nvfp4-card');
  expect(args.join(' ')).toBe(
    'serve /m --served-model-name step3p5-flash --tensor-parallel-size 2 --trust-remote-code --reasoning-parser step3p5 ' +
      '--enable-auto-tool-choice --tool-call-parser step3p5 --disable-cascade-attn --max-model-len auto --disable-custom-all-reduce',
  );
  expect(env).toMatchObject({
    VLLM_USE_FLASHINFER_MOE_FP4: '0',
    NCCL_P2P_DISABLE: '1',
    HF_HUB_OFFLINE: '1',
    VLLM_NO_USAGE_STATS: '1',
  });
  expect(warnings).toEqual([]);
});

test('a current release gets the backend as a flag and no variable that it ignores', async () => {
  const { args, env, dropped } = await compile('step-3.5-flash-nvfp4');
  expect(args.join(' ')).toContain('--moe-backend cutlass');
  expect(args).not.toContain('--disable-cascade-attn');
  expect(env).not.toHaveProperty('VLLM_USE_FLASHINFER_MOE_FP4');
  expect(dropped.map(({ name }) => name)).toEqual(['--disable-cascade-attn']);
});

test('tiny-cpu runs eager, without AMX, and without what only GPUs have', async () => {
  const { args, env } = await compile('tiny-cpu');
  expect(args.join(' ')).toContain('--max-model-len 4096 --enforce-eager --block-size 16');
  expect(args).not.toContain('--disable-custom-all-reduce');
  expect(env).toMatchObject({ VLLM_CPU_KVCACHE_SPACE: '1' });
  expect(env).not.toHaveProperty('NCCL_P2P_DISABLE');
});

test('tiny-cpu on a current release needs no detour around AMX or FlashInfer', async () => {
  const { args, dropped } = await compile('tiny-cpu', ['engine.vllm=0.32.0']);
  expect(args.join(' ')).not.toMatch(/block-size|moe-backend/);
  expect(dropped.find(({ name }) => name === '--moe-backend')?.because).toContain('CPU build');
});

test('two CPU workers get a core each, because the default wants two NUMA nodes', async () => {
  const { env } = await compile('tiny-cpu', ['serve.tensorParallel=2']);
  expect(env['VLLM_CPU_OMP_THREADS_BIND']).toBe('0|1');
});

test.each([
  ['0.16.0', 'cutlass', null, 'VLLM_USE_FLASHINFER_MOE_FP4'],
  ['0.16.0', 'marlin', null, 'VLLM_TEST_FORCE_FP8_MARLIN'],
  ['0.17.0', 'marlin', 'marlin', null],
  ['0.21.0', 'no-flashinfer', null, 'VLLM_USE_FLASHINFER_MOE_FP4'],
  ['0.22.0', 'no-flashinfer', 'cutlass', null],
  ['0.23.0', 'no-flashinfer', 'cutlass', null],
  ['0.32.0', 'auto', null, null],
])('in %s the intent %s is the flag %s or the variable %s', async (version, intent, backend, variable) => {
  const { args, env } = await compile('step-3.5-flash-nvfp4', [
    `engine.vllm=${version}`,
    `serve.moeBackend=${intent}`,
  ]);
  const at = args.indexOf('--moe-backend');
  expect(at === -1 ? null : args[at + 1]).toBe(backend);
  expect(Object.keys(env).find((name) => /MOE_FP4|MARLIN/.test(name)) ?? null).toBe(variable);
});

test.each([
  ['0.17.0', 'false', '--disable-cascade-attn'],
  ['0.17.0', 'true', null],
  ['0.18.0', 'false', null],
  ['0.18.0', 'true', '--no-disable-cascade-attn'],
  ['0.33.0', 'false', null],
])('cascade attention in %s set to %s is %s (vllm#36318)', async (version, value, expected) => {
  const { args } = await compile('step-3.5-flash-nvfp4', [
    `engine.vllm=${version}`,
    `serve.cascadeAttention=${value}`,
  ]);
  expect(args.find((arg) => arg.includes('cascade')) ?? null).toBe(expected);
});

test('cascade attention that a release no longer has is asked for in vain, and told', async () => {
  const { warnings } = await compile('step-3.5-flash-nvfp4', ['serve.cascadeAttention=true']);
  expect(warnings.join()).toContain('serve.cascadeAttention: true has no effect');
});

test.each([
  ['safe', true],
  ['auto', true],
  ['on', false],
])('peer-to-peer %s turns transfers off: %s (vllm#51513)', async (value, off) => {
  const { args, env } = await compile('step-3.5-flash-nvfp4', [`serve.peerToPeer=${value}`]);
  expect([args.includes('--disable-custom-all-reduce'), env['NCCL_P2P_DISABLE'] === '1']).toEqual([off, off]);
});

test('one GPU has no peer', async () => {
  const { args } = await compile('step-3.5-flash-nvfp4', ['serve.tensorParallel=1']);
  expect(args).not.toContain('--disable-custom-all-reduce');
});

test('a start that may take longer than ten minutes is told to vLLM as well', async () => {
  expect((await compile('step-3.5-flash-nvfp4')).env['VLLM_ENGINE_READY_TIMEOUT_S']).toBe('1800');
  expect((await compile('tiny-cpu')).env).not.toHaveProperty('VLLM_ENGINE_READY_TIMEOUT_S');
});

test('the own drain of vLLM is shorter than the grace before SIGKILL, where the release has it', async () => {
  const args = (await compile('step-3.5-flash-nvfp4')).args;
  expect(args[args.indexOf('--shutdown-timeout') + 1]).toBe('10');
  expect((await compile('step-3.5-flash-nvfp4', ['engine.vllm=0.17.0'])).args).not.toContain(
    '--shutdown-timeout',
  );
});

test('an unknown newer release is compiled as the nearest known one, with a warning', async () => {
  const { args, warnings, version } = await compile('step-3.5-flash-nvfp4', ['engine.vllm=0.99.0']);
  expect(version).toBe('0.99.0');
  expect(args).toEqual((await compile('step-3.5-flash-nvfp4', ['engine.vllm=0.33.0'])).args);
  expect(warnings[0]).toContain('compiled as 0.33.0');
});

test('a release before the architecture is refused', async () => {
  const error = await refusal('step-3.5-flash-nvfp4', ['engine.vllm=0.15.0']);
  expect([error.code, error.exitCode]).toEqual(['STEP_VLLM_RELEASE_UNSUPPORTED', 64]);
});

test('the variables of the person win and say so', async () => {
  const { env, warnings, items } = await compile('tiny-cpu', [
    'serve.env.HF_HUB_OFFLINE=0',
    'serve.env.FOO=1',
  ]);
  expect(env).toMatchObject({ HF_HUB_OFFLINE: '0', FOO: '1' });
  expect(warnings.join()).toContain('serve.env.HF_HUB_OFFLINE overrides');
  expect(items.filter(({ name }) => name === 'HF_HUB_OFFLINE')).toHaveLength(1);
});

test('a variable that the release ignores is told', async () => {
  const { warnings } = await compile('step-3.5-flash-nvfp4', ['serve.env.VLLM_USE_FLASHINFER_MOE_FP4=0']);
  expect(warnings).toEqual([
    'VLLM_USE_FLASHINFER_MOE_FP4 is not known to vLLM 0.32.0, which ignores it: ' +
      'vLLM 0.24.0 removed it; in its place: --moe-backend (serve.moeBackend)',
  ]);
});

test.each([
  ['--max-model-len 1'],
  ['--max_model_len=1'],
  ['--max-model-l 1'],
  ['-tp 4'],
  ['--no-enforce-eager'],
])('an extra argument that repeats a setting comes last and is told: %s', async (arg) => {
  const given = arg.split(' ');
  const sets = [`serve.extraArgs=${JSON.stringify(given)}`, 'serve.cudaGraphs=false'];
  const { args, warnings } = await compile('step-3.5-flash-nvfp4', sets);
  expect(args.slice(-given.length)).toEqual(given);
  expect(warnings.join()).toContain('the extra argument wins');
});

test.each([
  ['--host'],
  ['--hos'],
  ['--port=1'],
  ['--uds'],
  ['--served_model_name'],
  ['--served'],
  ['--api-key'],
  ['--model'],
])('an extra argument that would take the engine away is refused: %s', async (arg) => {
  const error = await refusal('tiny-cpu', [`serve.extraArgs=["${arg}", "x"]`]);
  expect([error.code, error.exitCode]).toEqual(['STEP_VLLM_ARGUMENT_RESERVED', 64]);
});

test('a second serve is refused before vLLM calls it an unrecognized argument', async () => {
  expect((await refusal('tiny-cpu', ['serve.extraArgs=[serve]'])).code).toBe('STEP_VLLM_ARGUMENT_RESERVED');
});

test('expert parallel does not go with CUTLASS', async () => {
  const sets = ['serve.extraArgs=["--enable-expert-parallel"]'];
  expect((await refusal('step-3.5-flash-nvfp4', sets)).code).toBe('STEP_VLLM_INTENT_UNSUPPORTED');
  await expect(compile('step-3.5-flash-nvfp4', [...sets, 'serve.moeBackend=marlin'])).resolves.toBeDefined();
});

test('a negative number or a value is not taken for a flag', async () => {
  expect(
    (await compile('tiny-cpu', ['serve.extraArgs=["--seed", "-1", "--download-dir", "host"]'])).warnings,
  ).toEqual([]);
});

test('for every release and intent: all that is emitted is known to it and says why', async () => {
  for (const version of knownReleases()) {
    const facts = releaseFacts(version);
    for (const profile of ['step-3.5-flash-nvfp4', 'tiny-cpu']) {
      for (const intent of ['auto', 'no-flashinfer', 'cutlass', 'marlin']) {
        const { items, warnings } = await compile(profile, [
          `engine.vllm=${version}`,
          `serve.moeBackend=${intent}`,
        ]);
        expect(warnings).toEqual([]);
        expect(items.filter((item) => item.because === '')).toEqual([]);
        const unknown = items.filter(({ kind, name }) => {
          if (kind === 'flag') return facts?.flags[name.replace('--no-', '--')] === undefined;
          return name.startsWith('VLLM_') && facts?.variables[name] === undefined;
        });
        expect(unknown).toEqual([]);
      }
    }
  }
});

test('what a release does anyway is left out, and said', async () => {
  const { args, dropped } = await compile('step-3.5-flash-nvfp4', [
    'engine.vllm=0.23.0',
    'serve.gpuMemoryUtilization=0.92',
    'serve.tensorParallel=1',
  ]);
  expect(args.join(' ')).not.toMatch(/cascade|utilization|tensor-parallel/);
  expect(dropped.map(({ name }) => name)).toEqual([
    '--tensor-parallel-size 1',
    '--disable-cascade-attn',
    '--gpu-memory-utilization 0.92',
  ]);
});

test.each([
  ['0.16.0', ['--moe-backend', 'marlin'], 'came with vLLM 0.17.0'],
  ['0.32.0', ['--disable-log-requests'], 'vLLM 0.17.0 removed it; in its place: off is the default'],
  ['0.32.0', ['--swap-space', '4'], 'vLLM 0.18.0 removed it'],
  ['0.32.0', ['--rope-theta', '1'], 'in its place: --hf-overrides'],
  ['0.32.0', ['--max-num-seq', '4', '--enable-prefix-cachin'], null],
  ['0.32.0', ['--max-num-seqz', '4'], 'the nearest name is --max-num-seqs'],
  ['0.32.0', ['--enable'], 'short form that fits more than one'],
  ['0.32.0', ['--enforce-eager', 'true'], 'belongs to no flag'],
  ['0.32.0', ['64'], 'belongs to no flag'],
])('in %s the extra arguments %j are refused for: %s', async (version, extra, reason) => {
  const sets = [`engine.vllm=${version}`, `serve.extraArgs=${JSON.stringify(extra)}`];
  if (reason === null) return void (await compile('step-3.5-flash-nvfp4', sets));
  const error = await refusal('step-3.5-flash-nvfp4', sets);
  expect([error.code, error.exitCode]).toEqual(['STEP_VLLM_ARGUMENT_UNKNOWN', 64]);
  expect(error.reason).toContain(reason);
});

test.each([
  [['--kv-cache-dtype', 'fp9'], 'fp9 is not one of'],
  [['--moe-backend=cutlas'], 'the nearest is cutlass'],
  [['--max-num-seqs', 'many'], 'many is no whole number'],
  [['--max-num-seqs'], '--max-num-seqs needs a value'],
  [['--enforce-eager=true'], '--enforce-eager takes no value'],
])('a value that 0.32.0 refuses is refused here, before its imports: %j', async (extra, reason) => {
  const error = await refusal('step-3.5-flash-nvfp4', [`serve.extraArgs=${JSON.stringify(extra)}`]);
  expect(error.code).toBe('STEP_VLLM_ARGUMENT_INVALID');
  expect(error.reason).toContain(reason);
});

test.each([
  [['--moe-backend', 'CUTLASS']],
  [['--max-num-batched-tokens', '8k']],
  [['--kernel-config.moe_backend', 'triton']],
  [['--hf-token']],
  [['-O3']],
  [['-O', '2']],
  [['--lora-modules', 'a=b', 'c=d']],
  [['--middleware', 'a', '--middleware', 'b']],
  [['--speculative-config', '{"method":"mtp","num_speculative_tokens":1}']],
])('what the parser of 0.32.0 takes is taken: %j', async (extra) => {
  const sets = ['serve.moeBackend=auto', `serve.extraArgs=${JSON.stringify(extra)}`];
  const { args, items, warnings } = await compile('step-3.5-flash-nvfp4', sets);
  expect(args.slice(-extra.length)).toEqual(extra);
  expect(items.at(-1)?.because).toBe('serve.extraArgs');
  expect(warnings).toEqual([]);
});

test('a flag given twice is told, and so is one that is about to go', async () => {
  const extra = ['--max-num-seqs', '1', '--max-num-seqs', '2', '--log-config-file', 'x'];
  const { warnings } = await compile('step-3.5-flash-nvfp4', [`serve.extraArgs=${JSON.stringify(extra)}`]);
  expect(warnings).toEqual([
    '--log-config-file is deprecated in vLLM 0.32.0',
    '--max-num-seqs is given twice as an extra argument: the last one wins',
  ]);
});

test.each([['0.99.0'], ['0.34.0.dev3'], ['0.1.dev16944'], ['nightly']])(
  'a build that the table does not have (%s) is warned of, and refused nothing that cannot be known',
  async (version) => {
    const extra = ['--flag-of-tomorrow', '1', '--runner', 'fp2'];
    const { args, warnings } = await compile('step-3.5-flash-nvfp4', [
      `engine.vllm=${version}`,
      'serve.reasoningParser=step9',
      `serve.extraArgs=${JSON.stringify(extra)}`,
    ]);
    expect(args.slice(-extra.length)).toEqual(extra);
    expect(warnings.join('\n')).toMatch(/is not in the tables[^]*step9[^]*flag-of-tomorrow[^]*fp2/);
  },
);

test('a parser that the release has not is refused with the nearest one', async () => {
  const error = await refusal('step-3.5-flash-nvfp4', ['serve.reasoningParser=step3.5']);
  expect(error.code).toBe('STEP_VLLM_INTENT_UNSUPPORTED');
  expect(error.next).toContain('--set serve.reasoningParser=step3p5');
  const plugin = ['serve.toolCallParser=own', 'serve.extraArgs=["--tool-parser-plugin", "x.py"]'];
  await expect(compile('step-3.5-flash-nvfp4', plugin)).resolves.toBeDefined();
});
