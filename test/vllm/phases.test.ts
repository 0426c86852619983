import { readdir, readFile } from 'node:fs/promises';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { recognisePhase } from '../../src/vllm/index.ts';

const logs = new URL('../fixtures/logs/', import.meta.url);

test.each([
  ['INFO 11-24 03:36:02 [importing.py:44] Triton is installed but 0 active driver(s) found', 'imports', null],
  ['(APIServer pid=1) INFO [utils.py:287]  ▄▄ ▄█ █     █     █ ▀▄▀ █  version 0.16.0', 'config', null],
  ['(APIServer pid=1) INFO [model.py:529] Resolved architecture: Step3p5ForCausalLM', 'config', null],
  [
    '(EngineCore pid=1) INFO [core.py:97] Initializing a V1 LLM engine (v0.16.0) with config: x',
    'distributed',
    null,
  ],
  ['(Worker_TP0 pid=1) INFO [pynccl.py:112] vLLM is using nccl==2.27.5', 'distributed', null],
  [
    "(Worker_TP0 pid=1) INFO [nvfp4.py:141] Using 'VLLM_CUTLASS' NvFp4 MoE backend out of potential backends: ['VLLM_CUTLASS']",
    'backends',
    null,
  ],
  [
    '(Worker_TP0 pid=1) Loading safetensors checkpoint shards:   0% Completed | 0/23 [00:00<?, ?it/s]',
    'weights',
    0,
  ],
  [
    '(Worker_TP0 pid=1) Loading safetensors checkpoint shards:  43% Completed | 10/23 [00:10<00:13,  1.0s/it]',
    'weights',
    10 / 23,
  ],
  ['Loading safetensors checkpoint shards: 100% Completed | 23/23 [00:23<00:00,  1.0s/it]', 'weights', 1],
  ['INFO [gpu_model_runner.py:4222] Model loading took 52.1 GiB memory and 61.2 seconds', 'weights', 1],
  [
    'INFO [backends.py:917] Using cache directory: /root/.cache/vllm/torch_compile_cache/abc for x',
    'compile',
    null,
  ],
  ['INFO [monitor.py:35] torch.compile takes 31.20 s in total', 'compile', 1],
  ['INFO [monitor.py:20] torch.compile took 31.20 s in total', 'compile', 1],
  ['INFO [kv_cache_utils.py:1307] GPU KV cache size: 2,097,152 tokens', 'kv-cache', null],
  [
    'Capturing CUDA graphs (mixed prefill-decode, PIECEWISE):  50%|█████     | 17/34 [00:05<00:05]',
    'graphs',
    0.5,
  ],
  ['INFO [core.py:278] init engine (profile, create kv cache, warmup model) took 56.04 seconds', 'graphs', 1],
  ['INFO [entry.py:140] Starting vLLM server on http://127.0.0.1:1', 'server', null],
  ['(APIServer pid=1) INFO:     Application startup complete.', 'server', 1],
])('%s', (line, phase, progress) => {
  expect(recognisePhase(line)).toEqual({ phase, progress });
});

test.each([
  [''],
  ['(APIServer pid=1) INFO:     127.0.0.1:1 - "GET /health HTTP/1.1" 200 OK'],
  ['(EngineCore pid=1) ERROR 11-24 03:36:32 [core.py:1006] Loading safetensors checkpoint shards failed'],
])('a line that tells nothing of progress is no phase: %s', (line) => {
  expect(recognisePhase(line)).toBeNull();
});

test.each(['0.16.0', '0.32.0'])('a real start of %s goes through its phases', async (version) => {
  const text = await readFile(new URL(`engine-core-died-${version}.txt`, logs), 'utf8');
  const seen = [...new Set(text.split('\n').flatMap((line) => recognisePhase(line)?.phase ?? []))];
  expect(seen).toEqual(
    expect.arrayContaining([
      'imports',
      'config',
      'distributed',
      'backends',
      'weights',
      'kv-cache',
      'compile',
      'graphs',
      'server',
    ]),
  );
  expect(seen.at(-1)).toBe('server');
});

test.each(['0.16.0', '0.32.0'])(
  'a real start of %s that compiles is seen in every phase that a CPU has',
  async (version) => {
    const text = await readFile(new URL(`healthy--compiled-${version}.txt`, logs), 'utf8');
    const found = text.split('\n').flatMap((line) => recognisePhase(line) ?? []);
    expect([...new Set(found.map(({ phase }) => phase))].toSorted()).toEqual(
      [
        'backends',
        'compile',
        'config',
        'distributed',
        'graphs',
        'imports',
        'kv-cache',
        'server',
        'weights',
      ].toSorted(),
    );
    expect(found.findLast(({ phase }) => phase === 'weights')?.progress).toBe(1);
  },
);

test('no failed start of the corpus reaches the server phase', async () => {
  for (const file of await readdir(logs)) {
    if (/^(?:engine-core-died|healthy|amx-isa)/.test(file)) continue;
    const text = await readFile(new URL(file, logs), 'utf8');
    expect(text.split('\n').filter((line) => recognisePhase(line)?.phase === 'server')).toEqual([]);
  }
});

test('any line gives a progress from 0 to 1 or none', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), fc.string(), (done, total, tail) => {
      const found = recognisePhase(
        `Loading safetensors checkpoint shards: 1% Completed | ${done}/${total} ${tail}`,
      );
      const progress = found?.progress ?? 0;
      expect(progress >= 0 && progress <= 1).toBe(true);
    }),
  );
});
