import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SimOptions } from './args.ts';
import type { SimLog } from './log.ts';
import { listShards, openShard } from './shards.ts';

/** A start that fails: exit code, and the lines vLLM would print. */
export class StartFailure extends Error {
  readonly code: number;
  constructor(message: string, code: number) {
    super(message);
    this.name = 'StartFailure';
    this.code = code;
  }
}

interface Step {
  readonly phase: string;
  /** Share of the whole startup time. */
  readonly share: number;
  readonly run: (ms: number) => Promise<void>;
}

async function loadWeights(options: SimOptions, log: SimLog, ms: number): Promise<void> {
  const shards = options.isDummyLoad ? [] : await listShards(options.modelDir);
  const started = performance.now();
  for (const [index, name] of shards.entries()) {
    const bar = (done: number) =>
      log.bar(
        `Loading safetensors checkpoint shards: ${String(Math.floor((100 * done) / shards.length)).padStart(3)}% Completed | ${done}/${shards.length} [00:00<00:00, 9.99it/s]`,
      );
    if (index === 0) bar(0);
    await openShard(join(options.modelDir, name));
    await sleep(ms / shards.length);
    bar(index + 1);
  }
  if (shards.length > 0) log.raw('');
  const seconds = ((performance.now() - started) / 1000).toFixed(2);
  log.core(`Loading weights took ${seconds} seconds`);
  log.core(`Model loading took 0.01 GiB memory and ${seconds} seconds`);
}

/** Prints the lines, spread over the step's time. */
const say =
  (...lines: (() => void)[]) =>
  async (ms: number): Promise<void> => {
    for (const print of lines) {
      print();
      await sleep(ms / lines.length);
    }
  };

function startSteps(options: SimOptions, log: SimLog): Step[] {
  const { version } = options.faults;
  return [
    {
      phase: 'imports',
      share: 0.3,
      run: say(
        () => log.server(`vLLM API server version ${version}`),
        () => log.server(`non-default args: {'model': '${options.modelDir}'}`),
      ),
    },
    {
      phase: 'config',
      share: 0.1,
      run: say(
        () => log.server('Resolved architecture: Step3p5ForCausalLM'),
        () => log.server(`Using max model len ${options.maxModelLen}`),
      ),
    },
    {
      phase: 'distributed',
      share: 0.05,
      run: say(
        () => log.core(`Initializing a V1 LLM engine (v${version}) with config: model='${options.modelDir}'`),
        () =>
          log.core('world_size=1 rank=0 local_rank=0 distributed_init_method=tcp://127.0.0.1:0 backend=gloo'),
      ),
    },
    {
      phase: 'backends',
      share: 0.05,
      run: say(
        () => log.core(`Starting to load model ${options.modelDir}...`),
        () => log.core("Using 'EMULATION' NvFp4 MoE backend out of potential backends: ['EMULATION']"),
      ),
    },
    { phase: 'weights', share: 0.3, run: (ms) => loadWeights(options, log, ms) },
    {
      phase: 'compile',
      share: 0.05,
      run: say(
        () => log.core('Dynamo bytecode transform time: 0.01 s'),
        () => log.core('torch.compile takes 0.02 s in total'),
      ),
    },
    {
      phase: 'kv-cache',
      share: 0.05,
      run: say(
        () => log.core('Available KV cache memory: 1.00 GiB'),
        () => log.core('GPU KV cache size: 1,048,576 tokens'),
      ),
    },
    {
      phase: 'graphs',
      share: 0.05,
      run: say(
        () => log.core('Graph capturing finished in 0 secs, took 0.00 GiB'),
        () => log.core('init engine (profile, create kv cache, warmup model) took 0.05 seconds'),
      ),
    },
    {
      phase: 'server',
      share: 0.05,
      run: say(
        () => log.server(`Starting vLLM API server 0 on ${describeListen(options)}`),
        () => log.server('Available routes are:'),
      ),
    },
  ];
}

const describeListen = ({ listen }: SimOptions): string =>
  listen.kind === 'unix' ? `unix:${listen.path}` : `http://${listen.host}:${listen.port}`;

/** Goes through the startup phases as vLLM logs them. Throws StartFailure; never returns when told never to get ready. */
export async function runStartup(options: SimOptions, log: SimLog): Promise<void> {
  const { faults } = options;
  for (const step of startSteps(options, log)) {
    if (faults.dieIn === step.phase) {
      log.core(faults.dieLog, 'ERROR');
      throw new StartFailure(faults.dieLog, faults.dieCode);
    }
    try {
      await step.run(faults.startupMs * step.share);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      log.core(message, 'ERROR');
      throw new StartFailure(message, 1);
    }
  }
  // A timer that outlives any test keeps the process alive without listening.
  if (faults.isNeverReady) await sleep(2 ** 31 - 1);
}
