import { expect, test } from 'vitest';
import { compilerFlags, type CompiledFor, whyCold } from '../../src/vllm/index.ts';

const start = (more: Partial<CompiledFor> = {}): CompiledFor => ({
  vllm: '0.32.0',
  build: 'image:a',
  gpus: '2',
  model: '/m',
  flags: ['--tensor-parallel-size 2'],
  ...more,
});

test.each([
  ['the first start of all', [], {}, 'nothing was compiled here before'],
  ['the same again', [start()], {}, null],
  ['the same after another one', [start(), start({ build: 'image:b' })], {}, null],
  ['another image', [start({ build: 'image:b' })], {}, 'the build changed (image:b → image:a)'],
  ['another release', [start({ vllm: '0.31.0' })], {}, 'the vLLM release changed (0.31.0 → 0.32.0)'],
  ['another GPU count', [start()], { gpus: '4' }, 'the GPUs changed (2 → 4)'],
  [
    'another flag',
    [start()],
    { flags: ['--moe-backend marlin'] },
    'the flags changed (+--moe-backend marlin, ---tensor-parallel-size 2)',
  ],
  ['an eager start compiles nothing', [], { flags: ['--enforce-eager'] }, null],
])('%s: %s', (_title, earlier, now, expected) => {
  expect(whyCold(earlier, start(now))).toBe(expected);
});

test('names, parsers and the context do not reach the compiler', () => {
  const args = [
    'serve',
    '/m',
    '--served-model-name',
    's',
    '--max-model-len',
    '4096',
    '--moe-backend',
    'cutlass',
    '--enforce-eager',
  ];
  expect(compilerFlags(args)).toEqual(['--moe-backend cutlass', '--enforce-eager']);
});
