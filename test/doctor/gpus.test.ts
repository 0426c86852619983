import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { detectGpus, pickProfile } from '../../src/doctor/index.ts';
import { parseGpuLine, searchGpus } from '../../src/doctor/detect-gpus.ts';
import { bigGpu, checkOf, makePrograms } from './helpers.ts';

const line = '0, GPU-1a2b, NVIDIA RTX PRO 6000 Blackwell Workstation Edition, 97887, 12.0, 595.58';

test('a line of nvidia-smi becomes facts', () => {
  expect(parseGpuLine(line)).toEqual({
    index: 0,
    uuid: 'GPU-1a2b',
    name: 'NVIDIA RTX PRO 6000 Blackwell Workstation Edition',
    memoryBytes: 97_887 * 1024 * 1024,
    computeCapability: '12.0',
    driver: '595.58',
  });
});

test.each([['No devices were found'], [''], ['0, GPU-1, X, [N/A], 12.0, 595']])(
  'a line of another form is no GPU: %s',
  (text) => {
    expect(parseGpuLine(text)).toBeNull();
  },
);

test('no text makes the reader throw', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(() => parseGpuLine(text)).not.toThrow();
    }),
  );
});

test('a real program called nvidia-smi is asked and read', async () => {
  const PATH = await makePrograms({
    'nvidia-smi': `printf '%s\\n%s\\n' '${line}' '${line.replace(/^0/, '1')}'`,
  });
  expect((await detectGpus({ PATH })).map(({ index }) => index)).toEqual([0, 1]);
});

test('no nvidia-smi means no driver, a failing one means a broken driver', async () => {
  expect(await searchGpus({ PATH: await makePrograms({}) })).toEqual({ kind: 'no-driver' });
  const PATH = await makePrograms({
    'nvidia-smi': 'echo "Failed to initialize NVML: Driver/library version mismatch"; exit 18',
  });
  expect(await searchGpus({ PATH })).toMatchObject({
    kind: 'broken',
    why: expect.stringContaining('NVML') as string,
  });
  expect(await detectGpus({ PATH })).toEqual([]);
});

test('an aborted search ends at once', async () => {
  const PATH = await makePrograms({ 'nvidia-smi': 'exec sleep 60' });
  expect(await searchGpus({ PATH }, AbortSignal.abort())).toMatchObject({ kind: 'broken' });
});

test.each([
  ['two that fit', [bigGpu(0), bigGpu(1)], 'step-3.5-flash-nvfp4', '2 GPUs'],
  ['none', [], 'demo', 'no NVIDIA GPU was found'],
  ['only one', [bigGpu(0)], 'demo', 'only NVIDIA RTX PRO 6000'],
  [
    'two that are too small',
    [bigGpu(0, { memoryBytes: 32e9 }), bigGpu(1, { memoryBytes: 32e9 })],
    'demo',
    '32 GB',
  ],
  [
    'two without native FP4',
    [bigGpu(0, { computeCapability: '9.0' }), bigGpu(1, { computeCapability: '9.0' })],
    'demo',
    'compute 9.0',
  ],
])('%s: picks a profile and says why', (_title, gpus, profile, part) => {
  const picked = pickProfile({ gpus });
  expect(picked.profile).toBe(profile);
  expect(picked.why).toContain(part);
});

test('what is missing for the big model is named, and tiny-cpu as what real vLLM needs', () => {
  expect(pickProfile({ gpus: [] }).why).toContain(
    'two GPUs of 90 GB or more with compute capability 12.0, and tiny-cpu',
  );
});

test.each([
  ['both there', 'step-3.5-flash-nvfp4', [bigGpu(0), bigGpu(1)], [], 'pass'],
  ['one missing', 'step-3.5-flash-nvfp4', [bigGpu(0)], [], 'fail'],
  [
    'a driver too old for CUDA 13',
    'step-3.5-flash-nvfp4',
    [bigGpu(0, { driver: '570.86' }), bigGpu(1)],
    [],
    'fail',
  ],
  ['no native FP4', 'step-3.5-flash-nvfp4', [bigGpu(0, { computeCapability: '9.0' }), bigGpu(1)], [], 'warn'],
  ['none at all', 'step-3.5-flash-nvfp4', [], [], 'fail'],
  ['none needed', 'demo', [], [], 'skipped'],
])('GPUs, %s: %s is judged %s', async (_title, profile, gpus, sets, status) => {
  const env = { PATH: await makePrograms({}) };
  expect((await checkOf('gpu', profile, { gpus, sets, env })).status).toBe(status);
});

test('an engine core that outlived its server is named with its pid', async () => {
  const PATH = await makePrograms({ 'nvidia-smi': 'echo "4711, VLLM::EngineCore, 88000 MiB"' });
  const found = await checkOf('gpu-tenants', 'step-3.5-flash-nvfp4', {
    gpus: [bigGpu(0), bigGpu(1)],
    env: { PATH },
  });
  expect(found).toMatchObject({ status: 'warn', evidence: '4711, VLLM::EngineCore, 88000 MiB' });
});
