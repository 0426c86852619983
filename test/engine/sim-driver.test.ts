import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { access, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  createDriver,
  type EngineSpec,
  requestEngine,
  type Running,
  streamEngine,
} from '../../src/engine/index.ts';
import { readProcess } from '../../src/engine/process/process-table.ts';
import { makeSimHome, type SimHome, simSpec } from './sim-spec.ts';

let home: SimHome;
const owned: Running[] = [];
const driver = createDriver('sim');

beforeEach(async () => {
  home = await makeSimHome();
});
afterEach(async () => {
  await Promise.all(owned.splice(0).map((running) => running.destroy()));
  await driver.remove('test', home.stateDir);
  await home.remove();
});

async function start(spec: EngineSpec, from = driver): Promise<Running> {
  const running = await from.start(spec);
  owned.push(running);
  return running;
}

/** Reads log lines until one holds `text`; the reader goes on so that no line is lost. */
async function untilLine(running: Running, text: string): Promise<string[]> {
  const seen: string[] = [];
  for await (const line of running.logs) {
    seen.push(line.text);
    if (line.text.includes(text)) return seen;
  }
  throw new Error(`the log ended without "${text}":\n${seen.join('\n')}`);
}

const isAlive = (pid: number): boolean => {
  const row = readProcess(pid);
  return row !== null && !row.isZombie;
};

const chat = (parts: Record<string, unknown> = {}) => ({
  path: '/v1/chat/completions',
  body: { model: 'step', messages: [{ role: 'user', content: 'What is the answer?' }], ...parts },
  timeoutMs: 5_000,
});

describe('process machinery, with the simulator as its engine', () => {
  test('the engine listens on a socket in a private folder, which goes with it', async () => {
    const running = await start(simSpec(home));
    await untilLine(running, 'Application startup complete');
    if (running.endpoint.kind !== 'unix') throw new Error('expected a unix socket');
    const health = await requestEngine(running.endpoint, { path: '/health', timeoutMs: 1000 });
    expect(health.status).toBe(200);
    await running.destroy();
    await expect(access(running.endpoint.path)).rejects.toThrow('ENOENT');
    expect(await driver.leftovers('test', home.stateDir)).toEqual([]);
  });

  test('a shard is loaded before the next phase, and the bar says so line by line', async () => {
    const lines = await untilLine(await start(simSpec(home)), 'Loading weights took');
    expect(
      lines.filter((line) => line.includes('checkpoint shards')).map((line) => /\d+\/\d+/.exec(line)?.[0]),
    ).toEqual(['0/2', '1/2', '2/2']);
  });

  test('the environment holds the spec and the allow-list, nothing else of the caller', async () => {
    const own = { ...process.env, HF_TOKEN: 'secret', VLLM_STRAY: '1' };
    const running = await start(
      { ...simSpec(home), env: { GIVEN: 'yes' } },
      createDriver('sim', { process: { env: own } }),
    );
    const environ = await readFile(`/proc/${running.id}/environ`, 'utf8');
    expect(environ).toContain('GIVEN=yes');
    expect(environ).not.toMatch(/HF_TOKEN|VLLM_STRAY/);
  });

  test('SIGTERM to an idle engine ends it with code 0', async () => {
    const running = await start(simSpec(home));
    await untilLine(running, 'Application startup complete');
    await running.signal('SIGTERM');
    expect(await running.exited).toEqual({ code: 0, signal: null, oomKilled: false });
  });

  test('destroy ends an engine that ignores SIGTERM and a child that left its session', async () => {
    const running = await start(simSpec(home, '--sim-ignore-sigterm', '--sim-core-process'));
    await untilLine(running, 'Application startup complete');
    const tree = (await driver.leftovers('test', home.stateDir)).filter(({ kind }) => kind === 'process');
    expect(tree).toHaveLength(2);
    await running.signal('SIGTERM');
    await running.destroy();
    expect((await running.exited).signal).toBe('SIGKILL');
    for (const { id } of tree) expect(isAlive(Number(id))).toBe(false);
  });

  test('a program that is not there is refused with a code and leaves nothing', async () => {
    const real = createDriver('process');
    const spec = { ...simSpec(home), program: ['/no/such/python'] };
    await expect(real.check(spec)).rejects.toMatchObject({ code: 'STEP_ENGINE_PROGRAM_MISSING' });
    await expect(real.start(spec)).rejects.toMatchObject({ code: 'STEP_ENGINE_PROGRAM_MISSING' });
    expect(await real.leftovers('test', home.stateDir)).toEqual([]);
  });

  test('what a killed controller left is found by the next one and removed', async () => {
    const program = fileURLToPath(new URL('./orphan-maker.ts', import.meta.url));
    const spec = simSpec(home, '--sim-core-process', '--sim-ignore-sigterm');
    const parent = spawn(process.execPath, [program, JSON.stringify(spec)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [chunk] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(chunk.toString());
    parent.kill('SIGKILL');
    await once(parent, 'close');
    expect(isAlive(pid)).toBe(true);
    const removed = await driver.remove('test', home.stateDir);
    expect(removed.map(({ kind }) => kind)).toEqual(['process', 'process', 'file']);
    expect(isAlive(pid)).toBe(false);
    expect(await driver.leftovers('test', home.stateDir)).toEqual([]);
  });
});

async function listenOn(port: number) {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', () => resolve()));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port, close: () => new Promise((resolve) => server.close(resolve)) };
}

describe('loopback port instead of a socket', () => {
  test('a port that somebody has is refused before the start', async () => {
    const stranger = await listenOn(0);
    const tcp = createDriver('sim', { process: { listen: { kind: 'tcp', port: stranger.port } } });
    await expect(tcp.start(simSpec(home))).rejects.toMatchObject({ code: 'STEP_ENGINE_PORT_TAKEN' });
    await stranger.close();
  });

  test('who listens is told apart: nobody, the engine, a stranger who came before it bound', async () => {
    const tcp = createDriver('sim', { process: { listen: { kind: 'tcp', port: null } } });
    const running = await start(simSpec(home), tcp);
    expect(await running.listener?.()).toBe('nobody');
    await untilLine(running, 'Application startup complete');
    expect(await running.listener?.()).toBe('ours');
    await running.destroy();
    const second = await start(simSpec(home, '--sim-startup-ms', '400'), tcp);
    if (second.endpoint.kind !== 'tcp') throw new Error('expected a port');
    const stranger = await listenOn(second.endpoint.port);
    expect(await second.listener?.()).toBe('stranger');
    expect((await second.exited).code).toBe(1);
    await stranger.close();
  });
});

describe('simulator without a fault', () => {
  let shared: Running;
  let sharedHome: SimHome;
  beforeAll(async () => {
    sharedHome = await makeSimHome();
    shared = await driver.start(simSpec(sharedHome, '--sim-tokens-per-chunk', '3'));
    await untilLine(shared, 'Application startup complete');
  });
  afterAll(async () => {
    await shared.destroy();
    await sharedHome.remove();
  });

  test('it says the script, with its token count', async () => {
    const { endpoint } = shared;
    const answer = await requestEngine(endpoint, chat());
    const body = JSON.parse(answer.text);
    expect(body.choices[0].message).toMatchObject({
      reasoning: 'Let me think about this step by step.',
      content: 'The answer is forty-two!',
    });
    expect(body.usage.completion_tokens).toBe(17);
  });

  test('a stream brings reasoning, content, usage and [DONE]; pieces join to the script', async () => {
    const { endpoint } = shared;
    const events: string[] = [];
    const parts = { stream: true, stream_options: { include_usage: true, continuous_usage_stats: true } };
    for await (const event of streamEngine(endpoint, chat(parts))) events.push(event);
    expect(events.pop()).toBe('[DONE]');
    const chunks = events.map((event) => JSON.parse(event));
    const textOf = (name: string) => chunks.map((chunk) => chunk.choices[0]?.delta[name] ?? '').join('');
    expect(textOf('reasoning')).toBe('Let me think about this step by step.');
    expect(textOf('content')).toBe('The answer is forty-two!');
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 17 } });
    expect(chunks.at(-2)?.choices[0].finish_reason).toBe('stop');
    expect(chunks.every((chunk) => chunk.usage !== undefined)).toBe(true);
  });

  test('with tools it calls one', async () => {
    const { endpoint } = shared;
    const answer = await requestEngine(
      endpoint,
      chat({ tools: [{ type: 'function', function: { name: 'get_weather' } }] }),
    );
    const { choices, usage } = JSON.parse(answer.text);
    expect(choices[0]).toMatchObject({ finish_reason: 'tool_calls' });
    expect(choices[0].message.tool_calls[0].function).toEqual({
      name: 'get_weather',
      arguments: '{"city":"Paris"}',
    });
    expect(usage.completion_tokens).toBe(20);
  });

  test.each([
    [{ max_tokens: 5 }, 5, 'length'],
    [{ max_tokens: 40, ignore_eos: true }, 40, 'length'],
    [{ min_tokens: 30 }, 30, 'stop'],
  ])('%j gives %i tokens and ends with %s', async (parts, tokens, finish) => {
    const { endpoint } = shared;
    const { choices, usage } = JSON.parse((await requestEngine(endpoint, chat(parts))).text);
    expect([usage.completion_tokens, choices[0].finish_reason]).toEqual([tokens, finish]);
  });

  test.each([
    [{ model: 'other' }, 404],
    [{ messages: [] }, 400],
    [{ max_tokens: 0 }, 400],
    [{ max_tokens: 1_000_000 }, 400],
    [{ max_tokens: 2, min_tokens: 3 }, 400],
  ])('%j is refused with %i', async (parts, status) => {
    const { endpoint } = shared;
    expect((await requestEngine(endpoint, chat(parts))).status).toBe(status);
  });
});

const ready = async (...switches: string[]) => {
  const running = await start(simSpec(home, ...switches));
  await untilLine(running, 'Application startup complete');
  return running;
};

describe('simulator with a fault', () => {
  test('a client that leaves frees its place and stops the tokens', async () => {
    const { endpoint } = await ready();
    const parts = { stream: true, messages: [{ role: 'user', content: 'Count for ever' }] };
    for await (const event of streamEngine(endpoint, chat(parts))) if (event.includes('one')) break;
    const read = async () => (await requestEngine(endpoint, { path: '/metrics', timeoutMs: 1000 })).text;
    await expect.poll(read).toMatch(/num_requests_running\{[^}]*\} 0\n/);
    const count = async () => /generation_tokens_total\{[^}]*\} (\d+)/.exec(await read())?.[1];
    expect(await count()).toBe(await count());
  });

  test('when its core dies, streams get an error and [DONE], health 503, and it ends with code 0', async () => {
    const running = await ready('--sim-crash-after-tokens', '4', '--sim-crash-exit-ms', '300');
    const events: string[] = [];
    for await (const event of streamEngine(running.endpoint, chat({ stream: true }))) events.push(event);
    expect(events.slice(-2)).toEqual([expect.stringContaining('"code":500'), '[DONE]']);
    expect((await requestEngine(running.endpoint, { path: '/health', timeoutMs: 1000 })).status).toBe(503);
    expect(await running.exited).toMatchObject({ code: 0, signal: null });
  });

  test('frozen, it is healthy and gives no token', async () => {
    const { endpoint } = await ready('--sim-freeze-after-tokens', '3');
    await expect(requestEngine(endpoint, { ...chat(), timeoutMs: 200 })).rejects.toMatchObject({
      code: 'STEP_ENGINE_TIMEOUT',
    });
    expect((await requestEngine(endpoint, { path: '/health', timeoutMs: 1000 })).status).toBe(200);
  });

  test('a missing shard ends the start with the file named', async () => {
    const index = { weight_map: { w: 'model-00003-of-00003.safetensors' } };
    await writeFile(join(home.modelDir, 'model.safetensors.index.json'), JSON.stringify(index));
    const running = await start(simSpec(home));
    await untilLine(running, 'Weight files referenced in index but missing');
    expect((await running.exited).code).toBe(1);
  });

  test('an unknown switch ends with code 2, as argparse does', async () => {
    const running = await start(simSpec(home, '--sim-no-such-thing'));
    await untilLine(running, 'unrecognized arguments: --sim-no-such-thing');
    expect((await running.exited).code).toBe(2);
  });
});

describe('external driver', () => {
  test('it attaches to an engine that somebody else runs and never ends it', async () => {
    const tcp = createDriver('sim', { process: { listen: { kind: 'tcp', port: null } } });
    const theirs = await start(simSpec(home), tcp);
    await untilLine(theirs, 'Application startup complete');
    if (theirs.endpoint.kind !== 'tcp') throw new Error('expected a port');
    const external = createDriver('external');
    const spec = { ...simSpec(home), externalUrl: `http://127.0.0.1:${theirs.endpoint.port}` };
    await external.check(spec);
    const ours = await external.start(spec);
    await ours.signal('SIGKILL');
    await ours.destroy();
    expect((await requestEngine(theirs.endpoint, { path: '/health', timeoutMs: 1000 })).status).toBe(200);
  });
  test.each([[null], ['https://x'], ['http://h/v1'], ['nonsense']])(
    'the address %s is refused',
    async (externalUrl) => {
      await expect(createDriver('external').check({ ...simSpec(home), externalUrl })).rejects.toMatchObject({
        code: 'STEP_ENGINE_EXTERNAL_URL',
      });
    },
  );
  test('nobody at the address is unreachable, not a crash', async () => {
    const spec = { ...simSpec(home), externalUrl: 'http://127.0.0.1:9' };
    await expect(createDriver('external').start(spec)).rejects.toMatchObject({
      code: 'STEP_ENGINE_UNREACHABLE',
    });
  });
});
