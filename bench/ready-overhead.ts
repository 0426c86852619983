/**
 * Budget: the first proxied token at most 500 ms after the engine's own first 200 on /health. A request waits in the proxy
 * from before the start; the peer is a client that polls the engine itself and asks it directly.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDriver, type Endpoint, type EngineDriver, requestEngine } from '../src/engine/index.ts';
import { systemClock } from '../src/lib/index.ts';
import { type ChatEvent, streamChat, toAddress } from '../src/lib/openai-client/index.ts';
import { writeTinyCheckpoint } from '../src/model/index.ts';
import { createProxy } from '../src/proxy/index.ts';
import { createSupervisor, defaultPolicy } from '../src/supervisor/index.ts';
import { diagnose, recognisePhase } from '../src/vllm/index.ts';

const rounds = 7;
const model = 'bench';

interface Round {
  /** ms after the engine's first own 200. */
  readonly proxied: number;
  readonly direct: number;
}

async function firstTokenAt(events: AsyncIterable<ChatEvent>): Promise<number> {
  let first = 0;
  for await (const event of events) if (first === 0 && event.kind !== 'finish') first = performance.now();
  return first;
}

const ask = (address: { baseUrl: string; socketPath: string | null }): Promise<number> =>
  firstTokenAt(
    streamChat({
      address,
      apiKey: null,
      model,
      messages: [{ role: 'user', content: 'Hello!' }],
      maxTokens: 8,
      temperature: 0,
      timeoutMs: 60_000,
    }),
  );

async function firstOwn200(endpoint: Endpoint): Promise<number> {
  for (;;) {
    const answer = await requestEngine(endpoint, { path: '/health', timeoutMs: 1_000 }).catch(() => null);
    if (answer?.status === 200) return performance.now();
    await systemClock.sleep(2);
  }
}

async function measure(dir: string, modelDir: string): Promise<Round> {
  const launched = Promise.withResolvers<Endpoint>();
  const sim = createDriver('sim');
  const driver: EngineDriver = {
    ...sim,
    name: 'sim',
    start: async (spec) => {
      const running = await sim.start(spec);
      launched.resolve(running.endpoint);
      return running;
    },
  };
  const supervisor = createSupervisor({
    driver,
    spec: {
      instance: 'bench',
      program: ['vllm'],
      args: ['serve', modelDir, '--served-model-name', model],
      env: {},
      image: null,
      mounts: [],
      gpus: { kind: 'none' },
      user: null,
      limits: { shmBytes: 0, memoryBytes: null, pids: 0, logMaxBytes: 1e6 },
      externalUrl: null,
      stateDir: dir,
      labels: {},
    },
    servedName: model,
    readiness: { expect: null, wrongAnswerHint: null },
    diagnose,
    recognisePhase,
    policy: defaultPolicy,
    logDir: join(dir, 'logs'),
    clock: systemClock,
  });
  const proxy = createProxy({
    view: supervisor,
    servedName: model,
    keys: null,
    listen: { host: '127.0.0.1', port: 0 },
  });
  const { host, port } = await proxy.start();
  supervisor.start();
  const waiting = ask({ baseUrl: `http://${host}:${port}`, socketPath: null });
  const endpoint = await launched.promise;
  const own = await firstOwn200(endpoint);
  const direct = ask(toAddress(null, endpoint));
  const round = { proxied: (await waiting) - own, direct: (await direct) - own };
  await proxy.close();
  await supervisor.close();
  return round;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const root = await mkdtemp(join(tmpdir(), 'stepctl-bench-ready-'));
try {
  const modelDir = join(root, 'model');
  await writeTinyCheckpoint(modelDir, { seed: 1, shards: 23, format: 'bf16' });
  const taken: Round[] = [];
  for (let round = 0; round < rounds; round += 1)
    taken.push(await measure(await mkdtemp(join(root, 'run-')), modelDir));
  const proxied = median(taken.map((one) => one.proxied));
  const direct = median(taken.map((one) => one.direct));
  process.stdout.write(
    `first token after the engine's own first 200 (median of ${rounds}; simulator, TTFT of its own included)\n`,
  );
  process.stdout.write(`  asked directly (peer)        ${direct.toFixed(0).padStart(5)} ms\n`);
  process.stdout.write(
    `  waiting in the proxy         ${proxied.toFixed(0).padStart(5)} ms   ratio ${(proxied / direct).toFixed(2)}   budget 500 ms\n`,
  );
} finally {
  await rm(root, { recursive: true, force: true });
}
