import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { detectGpus, pickProfile, searchGpus } from '../../src/doctor/index.ts';
import { gpuFields, parseGpuLine } from '../../src/doctor/gpu/fields.ts';
import { parseTopology } from '../../src/doctor/gpu/topology.ts';
import type { ShapeName } from '../fixtures/nvidia-smi/shapes.ts';
import { bigGpu, makePrograms, makeSmi } from './helpers.ts';

test('a line of nvidia-smi becomes facts, in whatever order the fields were asked', () => {
  const fields = ['driver_version', 'memory.total', 'index', 'uuid', 'name', 'power.limit'];
  const gpu = parseGpuLine('595.58, 97887, 1, GPU-1a2b, NVIDIA RTX PRO 6000, 600.00', fields);
  expect(gpu).toMatchObject({
    index: 1,
    uuid: 'GPU-1a2b',
    name: 'NVIDIA RTX PRO 6000',
    memoryBytes: 97_887 * 1024 * 1024,
    computeCapability: null,
    driver: '595.58',
    details: { powerLimitW: 600, throttleBits: null },
  });
});

const line = (cells: Readonly<Record<string, string>>): string =>
  gpuFields.map((field) => cells[field] ?? '[N/A]').join(', ');

test.each([
  ['No devices were found'],
  [''],
  [line({ index: '0', uuid: 'GPU-1', name: 'X', 'memory.total': '[Unknown Error]', driver_version: '595' })],
  [line({ index: '0', uuid: 'GPU-1', name: 'X', 'memory.total': '1', driver_version: 'ERR!' })],
])('a line of another form is no GPU: %s', (text) => {
  expect(parseGpuLine(text, gpuFields)).toBeNull();
});

test('no text makes the readers throw', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(() => [parseGpuLine(text, gpuFields), parseTopology(text)]).not.toThrow();
    }),
  );
});

test('every pair of GPUs is read once from the matrix, coloured or not', () => {
  const text =
    '\t\u001B[4mGPU0\tGPU1\tGPU2\tNIC0\tCPU Affinity\u001B[0m\nGPU0\t X \tNV4\tSYS\tPHB\t0-7\nGPU1\tNV4\t X \tPIX\tSYS\t0-7\nGPU2\tSYS\tPIX\t X \tSYS\t0-7\nNIC0\tPHB\tSYS\tSYS\t X';
  expect(parseTopology(text)).toEqual([
    { from: 0, to: 1, kind: 'NV', text: 'NV4' },
    { from: 0, to: 2, kind: 'SYS', text: 'SYS' },
    { from: 1, to: 2, kind: 'PIX', text: 'PIX' },
  ]);
});

const found: readonly (readonly [ShapeName, readonly string[], object])[] = [
  [
    'two RTX PRO 6000, driver 595',
    ['12.0', '12.0'],
    { mig: 'off', powerLimitW: 600, throttleBits: 1, linkWidth: 16 },
  ],
  ['four RTX PRO 6000 Max-Q, driver 580', ['12.0', '12.0', '12.0', '12.0'], { powerLimitW: 300 }],
  ['one RTX 5090, driver 575', ['12.0'], { mig: null, eccUncorrected: null }],
  ['two RTX 3090, driver 530, old field names', ['8.6', '8.6'], { throttleBits: 1, powerDefaultW: 350 }],
  ['one H100 cut into MIG', ['9.0'], { mig: 'on', memoryUsedBytes: null }],
  ['DGX Spark, memory shared with the CPU', ['12.1'], { powerLimitW: null, linkWidth: null }],
];

describe('a real program called nvidia-smi is asked', () => {
  test.each(found)('%s', async (shape, capabilities, details) => {
    const search = await searchGpus({ env: { PATH: await makeSmi(shape) } });
    const gpus = search.kind === 'found' ? search.gpus : [];
    expect(gpus.map(({ computeCapability }) => computeCapability)).toEqual(capabilities);
    expect(gpus[0]?.details).toMatchObject(details);
  });

  test.each([
    ['a driver without card', { kind: 'found', gpus: [] }],
    [
      'an update without reboot',
      { kind: 'broken', hangs: false, why: 'Failed to initialize NVML: Driver/library version mismatch' },
    ],
    [
      'a card that fell off the bus',
      { kind: 'broken', why: expect.stringContaining('GPU0000:01:00.0') as string },
    ],
    ['an error printed with exit code 0', { kind: 'broken', why: 'ERR! no answer from the GPU' }],
  ] as const)('%s', async (shape, expected) => {
    const PATH = await makeSmi(shape);
    expect(await searchGpus({ env: { PATH } })).toMatchObject(expected);
    expect(await detectGpus({ PATH })).toEqual([]);
  });

  test('none there means no driver', async () => {
    expect(await searchGpus({ env: { PATH: await makePrograms({}) } })).toEqual({ kind: 'no-driver' });
  });

  test('one that hangs is given up at the deadline, with what it started', async () => {
    // Not exec: the shell stays, and its child holds the pipe open.
    const PATH = await makePrograms({ 'nvidia-smi': '/bin/sleep 60; echo never' });
    const search = await searchGpus({ env: { PATH }, timeoutMs: 100 });
    expect(search).toEqual({ kind: 'broken', hangs: true, why: 'no answer within 0.1 s' });
  });

  test('an aborted search ends at once', async () => {
    const PATH = await makeSmi('a driver that hangs');
    expect(await searchGpus({ env: { PATH }, signal: AbortSignal.abort() })).toMatchObject({
      kind: 'broken',
    });
  });
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
