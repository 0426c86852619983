/** Budget: 200 MB/s and no growth of memory over a log of 1 GB; beside `wc -l` and `grep -c` of the same bytes. */
import { spawnSync } from 'node:child_process';
import { createReadStream, createWriteStream, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogReader } from '../src/vllm/index.ts';

const serving = [
  '(APIServer pid=411) INFO:     127.0.0.1:43210 - "POST /v1/chat/completions HTTP/1.1" 200 OK',
  '(APIServer pid=411) INFO 11-24 03:58:36 [loggers.py:248] Engine 000: Avg prompt throughput: 123.4 tokens/s, Avg generation throughput: 567.8 tokens/s, Running: 12 reqs, Waiting: 3 reqs, GPU KV cache usage: 45.6%, Prefix cache hit rate: 12.3%',
  '(APIServer pid=411) INFO 11-24 03:58:37 [logger.py:40] Received request chatcmpl-0123456789abcdef: params: SamplingParams(n=1, temperature=0.6, top_p=0.95, top_k=20, seed=None, stop=[], max_tokens=32768), prompt_token_ids: None',
  '(EngineCore pid=412) WARNING 11-24 03:58:38 [cpu.py:224] Triton is not installed. triton-cpu is expected on x86 CPUs.',
];
const traceback = [
  '(EngineCore pid=412) ERROR 11-24 03:59:00 [core.py:1006]   File "/usr/local/lib/python3.12/dist-packages/vllm/v1/engine/core.py", line 996, in run_engine_core',
  '(EngineCore pid=412) ERROR 11-24 03:59:00 [core.py:1006]     engine_core = EngineCoreProc(*args, engine_index=dp_rank, **kwargs)',
  '(EngineCore pid=412) ERROR 11-24 03:59:00 [core.py:1006]     return func(*args, **kwargs)',
];
const head = [
  '(APIServer pid=411) INFO 11-24 03:50:00 [api_utils.py:347]  ▄▄ ▄█ █     █     █ ▀▄▀ █  version 0.32.0',
  '(APIServer pid=411) INFO:     Application startup complete.',
];
const tail =
  '(EngineCore pid=412) ERROR 11-24 04:00:00 [core.py:1006] torch.AcceleratorError: CUDA error: an illegal memory access was encountered';

/** Lines of `kinds` in turn, nine of ten from the first kind where there are two. */
async function write(path: string, bytes: number, kinds: readonly (readonly string[])[]): Promise<void> {
  const file = createWriteStream(path);
  const block = Array.from({ length: 8_000 }, (_, at) => {
    const kind = kinds[at % 10 === 9 ? kinds.length - 1 : 0] ?? [];
    return kind[at % kind.length] ?? '';
  }).join('\n');
  file.write(`${head.join('\n')}\n`);
  for (let written = 0; written < bytes; written += block.length) {
    if (!file.write(`${block}\n`)) await once(file, 'drain');
  }
  file.end(`${tail}\n`);
  await once(file, 'close');
}

async function read(
  path: string,
): Promise<{ ms: number; bytes: number; peakMiB: number; signature: string }> {
  const reader = new LogReader();
  let peak = 0;
  const began = performance.now();
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    reader.add(chunk as Buffer);
    peak = Math.max(peak, process.memoryUsage.rss());
  }
  const { bytes, diagnosis } = reader.finish();
  return {
    ms: performance.now() - began,
    bytes,
    peakMiB: peak / 2 ** 20,
    signature: diagnosis?.signature ?? 'none',
  };
}

const peer = (command: string, args: readonly string[]): number => {
  const began = performance.now();
  spawnSync(command, args, { stdio: 'ignore' });
  return performance.now() - began;
};

const path = join(tmpdir(), `stepctl-bench-${process.pid}.log`);
const rate = (bytes: number, ms: number): string =>
  `${(bytes / 1e6 / (ms / 1_000)).toFixed(0).padStart(5)} MB/s`;
try {
  for (const [name, mib, kinds] of [
    ['a server that works, 128 MiB', 128, [serving]],
    ['a tenth of it tracebacks, 128 MiB', 128, [serving, traceback]],
    ['nothing but tracebacks, 32 MiB', 32, [traceback]],
    ['a server that works, 1 GiB', 1024, [serving]],
  ] as const) {
    await write(path, mib * 2 ** 20, kinds);
    peer('wc', ['-l', path]);
    const wc = peer('wc', ['-l', path]);
    const grep = peer('grep', ['-c', '-E', 'illegal memory access|out of memory|Errno 98', path]);
    const { ms, bytes, peakMiB, signature } = await read(path);
    process.stdout.write(
      `${name.padEnd(36)} ${rate(bytes, ms)}, peak ${peakMiB.toFixed(0)} MiB, found ${signature}; wc -l ${rate(bytes, wc)}, grep -c -E of three ${rate(bytes, grep)}\n`,
    );
  }
} finally {
  rmSync(path, { force: true });
}
process.stdout.write('budget: 200 MB/s on the first and last\n');
