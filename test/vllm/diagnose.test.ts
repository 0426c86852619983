import { readdir, readFile } from 'node:fs/promises';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DiagnoseInput } from '../../src/vllm/index.ts';
import { diagnose } from '../../src/vllm/index.ts';
import { signatures } from '../../src/vllm/diagnose.ts';

const logs = new URL('../fixtures/logs/', import.meta.url);

const diagnoseLines = (lines: readonly string[], more: Partial<DiagnoseInput> = {}) =>
  diagnose({ lines, exitCode: 1, signal: null, oomKilled: false, everReady: false, ...more });

/** Logs of real engines that were made to fail; the name tells the cause, `unknown-flag-of-later-release` by its prefix. */
const corpus = (await readdir(logs)).toSorted();
const expectedOf = (file: string): string =>
  file
    .replace(/(-of-later-release)?-0\.\d+\.0\.txt$/, '')
    .replace('truncated', 'truncated')
    .replace('numa-bind', 'numa-bind');

test.each(corpus)('the log of a real failure is recognised: %s', async (file) => {
  const lines = (await readFile(new URL(file, logs), 'utf8')).split('\n');
  const diagnosis = diagnoseLines(lines);
  expect(diagnosis.signature).toBe(expectedOf(file));
  expect(diagnosis.evidence.length).toBeGreaterThan(0);
  expect(diagnosis.evidence.every((line) => !/See root cause above/.test(line))).toBe(true);
});

const worker = '(Worker_TP0 pid=1) ERROR 11-24 03:41:28 [multiproc_executor.py:953] ';

/** One telling line a signature, from engines that ran on GPUs or in containers. */
const snippets: readonly (readonly [signature: string, line: string])[] = [
  ['unknown-flag', 'vllm: error: unrecognized arguments: serve'],
  [
    'invalid-flag-value',
    "vllm serve: error: argument --moe-backend: invalid choice: 'x' (choose from auto, cutlass)",
  ],
  [
    'port-in-use',
    "ERROR:    [Errno 98] error while attempting to bind on address ('127.0.0.1', 1): address already in use",
  ],
  [
    'unknown-arch',
    "  Value error, Model architectures ['Step3p5ForCausalLM'] are not supported for now. Supported architectures: dict_keys([",
  ],
  [
    'expert-parallel',
    `${worker}ValueError: NvFp4 MoE backend 'VLLM_CUTLASS' does not support the deployment configuration since kernel does not support parallel config`,
  ],
  ['mtp-config', 'ValueError: num_speculative_tokens:4 must be divisible by n_predict=3'],
  [
    'nvfp4-backend-unsupported',
    `${worker}NotImplementedError: No NvFp4 MoE backend supports the deployment configuration.`,
  ],
  [
    'nvfp4-backend-unsupported',
    `${worker}ValueError: NvFp4 MoE backend 'FLASHINFER_CUTLASS' does not support the deployment configuration since kernel does not support MoEActivation.SWIGLUSTEP activation`,
  ],
  ['nvfp4-backend-unsupported', `${worker}AssertionError: Only SiLU activation is supported.`],
  [
    'nvfp4-no-cpu-kernel',
    `${worker}ValueError: Failed to find a kernel that can implement the NVFP4 linear layer. Reasons:`,
  ],
  [
    'nvfp4-no-cpu-kernel',
    'ValueError: No NVFP4 GEMM backend selected, available backends: [<NvFp4LinearBackend.VLLM_CUTLASS',
  ],
  [
    'cpu-router-unsupported',
    'torch._dynamo.exc.Unsupported: Data-dependent assertion failed (cannot compile partial graph)',
  ],
  ['amx-isa', 'RuntimeError: Unsupported CPU attention configuration: head_dim=64 isa=0'],
  [
    'no-kernel-image',
    'torch.AcceleratorError: CUDA error: no kernel image is available for execution on the device',
  ],
  ['no-kernel-image', 'RuntimeError: [TensorRT-LLM][ERROR] Failed to initialize cutlass TMA WS grouped gemm'],
  ['illegal-memory-access', 'torch.AcceleratorError: CUDA error: an illegal memory access was encountered'],
  ['gpu-lost', 'torch.AcceleratorError: CUDA error: unspecified launch failure'],
  [
    'kv-too-small',
    'ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization`',
  ],
  [
    'gpu-memory-taken',
    'ValueError: Free memory on device cuda:0 (12.1/94.97 GiB) on startup is less than desired GPU memory utilization (0.9, 85.5 GiB).',
  ],
  ['out-of-memory', 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.'],
  ['shared-memory', 'NCCL WARN Error while creating shared memory segment /dev/shm/nccl-abc (size 9637888)'],
  ['shared-memory', 'Fatal Python error: Bus error'],
  [
    'unreadable-or-missing-file',
    'FileNotFoundError: No such file or directory: /models/snapshots/c/model-00001-of-00003.safetensors',
  ],
  ['permission-denied', "PermissionError: [Errno 13] Permission denied: '/home/vllm/.cache/vllm'"],
  ['disk-full', "OSError: [Errno 28] No space left on device: '/root/.cache/vllm/x'"],
  ['wrong-weights', "KeyError: 'layers.3.moe.experts.0.gate_proj.weight_packed'"],
  [
    'wrong-weights',
    'RuntimeError: The size of tensor a (2048) must match the size of tensor b (4096) at non-singleton dimension 1',
  ],
  ['hub-refused', 'huggingface_hub.errors.GatedRepoError: 401 Client Error.'],
  [
    'driver-mismatch',
    'RuntimeError: Unexpected error from cudaGetDeviceCount(). Error 803: system has unsupported display driver / cuda driver combination',
  ],
  ['driver-mismatch', 'nvidia-container-cli: requirement error: unsatisfied condition: cuda>=13.0'],
  ['no-gpu-runtime', 'docker: could not select device driver "" with capabilities: [[gpu]].'],
  ['no-passwd-entry', "KeyError: 'getpwuid(): uid not found: 1000'"],
  [
    'no-libnuma',
    "WARNING 11-24 03:41:28 [cpu.py:1] Failed to import from vllm._C: ImportError('libnuma.so.1: cannot open shared object file')",
  ],
  ['no-vllm-metadata', 'importlib.metadata.PackageNotFoundError: No package metadata was found for vllm'],
  [
    'nccl-timeout',
    '[rank0]: Watchdog caught collective operation timeout: WorkNCCL(SeqNum=1, OpType=ALLREDUCE, Timeout(ms)=600000)',
  ],
  ['nccl-init', 'torch.distributed.DistBackendError: NCCL error: unhandled system error'],
  [
    'peer-to-peer-hang',
    'INFO 11-24 03:41:28 [shm_broadcast.py:501] No available shared memory broadcast block found in 60 seconds.',
  ],
];

test.each(snippets)('%s is told by: %s', (signature, line) => {
  const diagnosis = diagnoseLines([
    'INFO starting',
    line,
    `${worker}RuntimeError: Engine core initialization failed. See root cause above.`,
  ]);
  expect(diagnosis.signature).toBe(signature);
  expect(diagnosis.evidence[0]).toContain(line.slice(0, 100));
});

test.each(snippets)(
  '%s is the only signature that its line hits, or the first of two: %s',
  (signature, line) => {
    const hits = [...new Set(signatures.filter(({ pattern }) => pattern.test(line)).map(({ id }) => id))];
    expect(hits[0]).toBe(signature);
    expect(hits.length).toBeLessThanOrEqual(
      signature === 'expert-parallel' || signature === 'hub-refused' ? 2 : 1,
    );
  },
);

test('every signature has a line that shows it', async () => {
  const shown = new Set([
    ...snippets.map(([signature]) => signature),
    ...corpus.map(expectedOf),
    'core-start-timeout',
  ]);
  expect(signatures.map(({ id }) => id).filter((id) => !shown.has(id))).toEqual([]);
});

const start = (version: string): string =>
  `(EngineCore pid=1) INFO [core.py:97] Initializing a V1 LLM engine (v${version}) with config: x`;

test('the missing patch is named before 0.17.0, and not after it', () => {
  const line = 'NotImplementedError: No NvFp4 MoE backend supports the deployment configuration.';
  expect(diagnoseLines([start('0.16.0'), line]).cause).toContain('the patch swiglustep-nvfp4-moe is missing');
  expect(diagnoseLines([start('0.32.0'), line]).advice).toBe(
    'set serve.moeBackend=cutlass (or marlin), without --enable-expert-parallel',
  );
  expect(diagnoseLines([line]).advice).toContain('before vLLM 0.17.0');
});

test('the context that fits is read out of the message and proposed', async () => {
  const lines = (await readFile(new URL('kv-too-small-0.32.0.txt', logs), 'utf8')).split('\n');
  expect(diagnoseLines(lines).advice).toContain('--set serve.maxModelLen=2097024');
});

test('the first strong line wins over what follows from it', () => {
  const diagnosis = diagnoseLines([
    'torch.OutOfMemoryError: CUDA out of memory.',
    'PermissionError: [Errno 13] x',
    'EngineDeadError: x',
  ]);
  expect(diagnosis.signature).toBe('out-of-memory');
});

test('a warning that quotes an error which never happened is not the cause', () => {
  const line =
    '(APIServer pid=1) WARNING 11-24 [system_utils.py:255] can cause errors like `OSError: [Errno 28] No space left on device`';
  expect(diagnoseLines([line]).signature).toBe('unknown');
});

test('colour codes do not hide a signature', () => {
  expect(diagnoseLines(['\u001b[0;36m(Worker pid=1)\u001b[0;0m CUDA out of memory']).signature).toBe(
    'out-of-memory',
  );
});

test('an engine that had been ready is worth another start whatever its log says', () => {
  const line = 'torch.OutOfMemoryError: CUDA out of memory.';
  expect(diagnoseLines([line]).deterministic).toBe(true);
  expect(diagnoseLines([line], { everReady: true }).deterministic).toBe(false);
});

test.each([
  ['killed for memory by the kernel', { oomKilled: true, exitCode: 137 }, 'host-out-of-memory', true],
  ['killed for memory while serving', { oomKilled: true, everReady: true }, 'host-out-of-memory', false],
  ['137 alone is no proof of a lack of memory', { exitCode: 137 }, 'killed', false],
  ['SIGKILL', { exitCode: null, signal: 'SIGKILL' }, 'killed', false],
  ['bus error', { exitCode: 135 }, 'shared-memory', true],
  ['code 0 that nobody asked for', { exitCode: 0, everReady: true }, 'unknown', false],
])('without a telling line the end itself tells: %s', (_title, more, signature, deterministic) => {
  expect(diagnoseLines(['some text'], more)).toMatchObject({ signature, deterministic });
});

test('an end with code 0 is named as vLLM leaving after its core died', () => {
  expect(diagnoseLines([], { exitCode: 0, everReady: true }).cause).toContain('nobody asked it to');
});

test('an unknown failure shows its last errors, without the wrappers', () => {
  const diagnosis = diagnoseLines([
    '(Worker pid=1) ERROR 1 [a.py:1] FooError: bar',
    'RuntimeError: Engine core initialization failed. See root cause above.',
  ]);
  expect(diagnosis).toMatchObject({
    signature: 'unknown',
    evidence: ['(Worker pid=1) ERROR 1 [a.py:1] FooError: bar'],
  });
});

test('any log gives a diagnosis with bounded evidence', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 900 }), { maxLength: 30 }), (lines) => {
      const { evidence } = diagnoseLines(lines);
      expect(evidence.length <= 6 && evidence.every((line) => line.length <= 600)).toBe(true);
    }),
  );
});
