import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DiagnoseInput } from '../../src/vllm/index.ts';
import { diagnose, LogReader } from '../../src/vllm/index.ts';
import { signatures } from '../../src/vllm/diagnosis/signatures.ts';

const logs = new URL('../fixtures/logs/', import.meta.url);

const diagnoseLines = (lines: readonly string[], more: Partial<DiagnoseInput> = {}) =>
  diagnose({ lines, exitCode: 1, signal: null, oomKilled: false, everReady: false, ...more });

/** Logs of real engines, trimmed: `CAUSE[--VARIANT]-RELEASE.txt`; `healthy` ones served and were ended. */
const all = (await readdir(logs)).toSorted();
const expectedOf = (file: string): string =>
  file.replace(/(-of-later-release)?-0\.\d+\.0\.txt$/, '').replace(/--.*/, '');
const corpus = all.filter((file) => !file.startsWith('healthy'));

test.each(corpus)('the log of a real failure is recognised: %s', async (file) => {
  const lines = (await readFile(new URL(file, logs), 'utf8')).split('\n');
  const diagnosis = diagnoseLines(lines);
  expect(diagnosis.signature).toBe(expectedOf(file));
  expect(diagnosis.evidence.length).toBeGreaterThan(0);
  expect(diagnosis.evidence.every((line) => !/See root cause above(?!.*-9)/.test(line))).toBe(true);
});

const worker = '(Worker_TP0 pid=1) ERROR 11-24 03:41:28 [multiproc_executor.py:953] ';

/** Written from reports, for what only GPUs or containers show: no logs of ours. One telling line a signature. */
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
  ['hub-throttled', 'huggingface_hub.errors.HfHubHTTPError: 429 Client Error: Too Many Requests for url: x'],
  ['cuda-libraries-mixed', 'RuntimeError: CUDA error: CUBLAS_STATUS_INVALID_VALUE when calling cublasGemmEx'],
  ['broken-probabilities', 'RuntimeError: probability tensor contains either `inf`, `nan` or element < 0'],
  [
    'request-too-long',
    "ValueError: This model's maximum context length is 4096 tokens. However, you requested 9000",
  ],
  ['core-start-timeout', 'TimeoutError: Timed out waiting for engine core processes to start'],
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

test('every signature has a log that shows it, a real one where it says so', () => {
  const real = new Set(corpus.map(expectedOf));
  const reported = new Set(snippets.map(([signature]) => signature));
  expect(signatures.filter(({ id }) => !real.has(id) && !reported.has(id)).map(({ id }) => id)).toEqual([]);
  const claimed = signatures.filter(({ source, id }) => source === 'real' && !real.has(id));
  expect(claimed.map(({ id }) => id)).toEqual([]);
});

const read = (bytes: Buffer, chunk = bytes.length) => {
  const reader = new LogReader();
  for (let at = 0; at < bytes.length; at += chunk) reader.add(bytes.subarray(at, at + chunk));
  return reader.finish();
};

test('every log is told as its own cause and as no other: the confusion table', async () => {
  const told = new Map<string, Map<string, number>>();
  const note = (expected: string, got: string) => {
    const row = told.get(expected) ?? new Map<string, number>();
    told.set(expected, row.set(got, (row.get(got) ?? 0) + 1));
  };
  for (const file of all) {
    const result = read(await readFile(new URL(file, logs)));
    note(
      expectedOf(file),
      result.outcome === 'healthy' ? 'healthy' : (result.diagnosis?.signature ?? 'none'),
    );
  }
  for (const [signature, line] of snippets) note(signature, diagnoseLines([line]).signature);
  const rows = [...told].toSorted(([left], [right]) => (left < right ? -1 : 1));
  const table = rows.map(([expected, got]) => {
    const right = got.get(expected) ?? 0;
    const wrong = [...got].filter(([name]) => name !== expected).map(([name, count]) => `${name} ${count}`);
    return `${expected.padEnd(30)} right ${String(right).padStart(2)}  wrong ${wrong.join(', ') || '0'}`;
  });
  process.stdout.write(`${table.join('\n')}\n`);
  expect(table.filter((row) => !row.endsWith('wrong 0'))).toEqual([]);
});

test.each(all.map((file) => [file]))('read in pieces of any size it is the same: %s', async (file) => {
  const bytes = await readFile(new URL(file, logs));
  const whole = read(bytes);
  expect(read(bytes, 997)).toEqual(whole);
  expect(whole.lines).toBe(bytes.toString('latin1').split('\n').length - 1);
});

test.each([
  ['docker logs -t', (line: string) => `2026-11-24T03:41:28.123456789Z ${line}`],
  ['kubectl', (line: string) => `2026-11-24T03:41:28.123456789Z stderr F ${line}`],
  ['journald', (line: string) => `Nov 24 03:41:28 host vllm[12]: ${line}`],
  ['the file of the engine log', (line: string) => `2026-11-24T03:41:28.123Z err ${line}`],
  ['json-file', (line: string) => JSON.stringify({ log: `${line}\n`, stream: 'stderr', time: 'x' })],
])('what %s puts before the lines does not hide the cause', async (_title, wrap) => {
  for (const file of ['amx-isa-0.16.0.txt', 'healthy--compiled-0.32.0.txt']) {
    const lines = (await readFile(new URL(file, logs), 'utf8')).split('\n');
    const bare = read(Buffer.from(lines.join('\n')));
    const wrapped = read(Buffer.from(lines.map(wrap).join('\n')));
    expect([wrapped.outcome, wrapped.diagnosis?.signature]).toEqual([
      bare.outcome,
      bare.diagnosis?.signature,
    ]);
  }
});

test('of several starts in one log the last failed one is told, and the ones before are named', async () => {
  const text = async (file: string) => readFile(new URL(file, logs));
  const log = Buffer.concat([
    await text('amx-isa-0.16.0.txt'),
    await text('healthy--eager-0.16.0.txt'),
    await text('mtp-config-0.16.0.txt'),
  ]);
  const result = read(log);
  expect(result).toMatchObject({ outcome: 'failed', starts: 3, start: 3, earlier: ['amx-isa'] });
  expect(result.diagnosis?.signature).toBe('mtp-config');
});

test('garbage, a line without end and an empty log are read without an error, and nothing is claimed', () => {
  expect(read(Buffer.alloc(0)).outcome).toBe('unknown');
  expect(read(randomBytes(3 * 1024 * 1024), 65_536).outcome).toBe('unknown');
  const endless = read(Buffer.alloc(5 * 1024 * 1024, 'x'), 65_536);
  expect([endless.outcome, endless.lines]).toEqual(['unknown', 1]);
});

test('out of memory while the weights load is told apart from later', () => {
  const oom = 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.';
  const loading = diagnoseLines(['INFO [gpu_model_runner.py:1] Starting to load model x', oom]);
  const later = diagnoseLines(['INFO [kv_cache_utils.py:1307] GPU KV cache size: 2,097 tokens', oom]);
  expect(loading.cause).toContain('while the weights were loaded');
  expect(later.cause).toContain('after the weights were in');
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
