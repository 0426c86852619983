import { execFile } from 'node:child_process';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ensureCpuRoot } from '../../../src/build/image/cpu-root.ts';
import {
  connectDocker,
  createDriver,
  type DockerClient,
  type EngineSpec,
  requestEngine,
  type Running,
} from '../../../src/engine/index.ts';
import { engineName } from '../../../src/engine/docker/index.ts';
import { silentReporter } from '../../../src/lib/index.ts';
import { type DockerHome, type Facts, httpEngine, makeDockerHome, scriptSpec, untilLine } from './scene.ts';

const run = promisify(execFile);
const driver = createDriver('docker');
const owned: Running[] = [];
let docker: DockerClient;
let image: string;
let home: DockerHome;

beforeAll(async () => {
  docker = await connectDocker();
  const signal = AbortSignal.timeout(550_000);
  image = await ensureCpuRoot({
    docker,
    root: null,
    pullPolicy: 'missing',
    reporter: silentReporter,
    signal,
  });
});
beforeEach(async () => {
  home = await makeDockerHome();
});
afterEach(async () => {
  await Promise.all(owned.splice(0).map((running) => running.destroy()));
  expect(await driver.leftovers('test', home.stateDir)).toEqual([]);
  await home.remove();
});
afterAll(async () => {
  expect(await docker.listContainers({ all: true, filters: { label: ['stepctl.instance=test'] } })).toEqual(
    [],
  );
});

async function start(spec: EngineSpec): Promise<Running> {
  await driver.check(spec);
  const running = await driver.start(spec);
  owned.push(running);
  return running;
}

const collect = async (running: Running): Promise<string[]> => {
  const lines: string[] = [];
  for await (const line of running.logs) lines.push(line.text);
  return lines;
};

describe('an engine in a container', () => {
  test('answers at its own address, with no port published', async () => {
    const running = await start(scriptSpec(home, image, httpEngine));
    await untilLine(running, 'serving');
    const answer = await requestEngine(running.endpoint, { path: '/', timeoutMs: 5000 });
    expect(answer.status).toBe(200);
    const { NetworkSettings, HostConfig } = await docker.getContainer(running.id).inspect();
    expect(NetworkSettings.Ports).toEqual({});
    expect(HostConfig.PortBindings ?? {}).toEqual({});
    expect(HostConfig.RestartPolicy?.Name).toBe('no');
  });

  test('has no capability that opens files of another user', async () => {
    await chmod(join(home.modelDir, 'config.json'), 0o600);
    const running = await start(scriptSpec(home, image, httpEngine, { user: { uid: 1234, gid: 1234 } }));
    expect((await running.exited).code).toBe(1);
    expect((await collect(running)).join('\n')).toContain('PermissionError');
  });

  test('has no capability, no way out, no name resolution, and writes only where it may', async () => {
    const owner = await start(scriptSpec(home, image, httpEngine));
    await untilLine(owner, 'serving');
    const facts = JSON.parse(
      (await requestEngine(owner.endpoint, { path: '/', timeoutMs: 5000 })).text,
    ) as Facts;
    expect(facts.capabilities).toBe('0000000000000000');
    expect(facts.noNewPrivileges).toBe('1');
    expect(facts.writes).toMatchObject({
      '/root-fs': 'OSError',
      '/model/x': 'OSError',
      '/tmp/x': 'yes',
      '/cache/x': 'yes',
      '/cache/y': 'yes',
    });
    expect(facts.egress).not.toBe('yes');
    expect(facts.resolves).toBe('gaierror');
    expect(facts.model).toBe('{}');
    expect(facts.shm).toBe(64 * 2 ** 20);
  });

  test('gives every line from the first one on, streams told apart, each state of a progress bar', async () => {
    const running = await start(scriptSpec(home, image, httpEngine));
    const lines: string[] = [];
    for await (const line of running.logs) {
      lines.push(`${line.stream} ${line.text}`);
      if (lines.length === 4) break;
    }
    expect(lines.toSorted()).toEqual(['stderr a warning', 'stdout 10%', 'stdout 100%', 'stdout serving']);
  });

  test('SIGTERM reaches the engine behind the init', async () => {
    const running = await start(scriptSpec(home, image, httpEngine));
    await untilLine(running, 'serving');
    await running.signal('SIGTERM');
    expect(await running.exited).toEqual({ code: 0, signal: null, oomKilled: false });
  });

  test('SIGABRT makes it print its stacks, although an init keeps that signal to itself', async () => {
    const running = await start(scriptSpec(home, image, httpEngine));
    await untilLine(running, 'serving');
    await running.signal('SIGABRT');
    expect(await running.exited).toMatchObject({ code: 134, signal: 'SIGABRT' });
    expect((await collect(running)).join('\n')).toContain('serve_forever');
  });

  test('SIGKILL ends it, and signals to a dead engine are no error', async () => {
    const running = await start(scriptSpec(home, image, httpEngine));
    await running.signal('SIGKILL');
    expect(await running.exited).toMatchObject({ code: 137, signal: 'SIGKILL' });
    await running.signal('SIGTERM');
    await running.signal('SIGABRT');
    await running.destroy();
    await running.signal('SIGTERM');
  });

  test('says that the kernel killed it for memory', async () => {
    const limits = { shmBytes: 2 ** 20, memoryBytes: 64 * 2 ** 20, pids: 32, logMaxBytes: 2 ** 20 };
    const running = await start(scriptSpec(home, image, 'x = bytearray(512 * 2 ** 20)', { limits }));
    expect(await running.exited).toMatchObject({ code: 137, oomKilled: true });
  });

  test('one that dies at once is no failed start: its exit and its last words are there', async () => {
    const running = await start(scriptSpec(home, image, 'import sys; sys.exit("no such model")'));
    expect((await running.exited).code).toBe(1);
    expect(await collect(running)).toEqual(['no such model']);
  });

  test('a program that the image does not have ends with 127 and names it', async () => {
    const running = await start(scriptSpec(home, image, httpEngine, { program: ['/no/such/python'] }));
    expect((await running.exited).code).toBe(127);
    expect((await collect(running)).join('\n')).toContain('/no/such/python');
  });

  test('is never blocked by a reader that does not read', async () => {
    const script = 'for n in range(30000): print(n, "x" * 200)\nprint("done")';
    const running = await start(scriptSpec(home, image, script));
    expect((await running.exited).code).toBe(0);
    const lines = await collect(running);
    expect(lines.at(-1)).toBe('done');
    expect(lines.some((line) => line.includes('dropped'))).toBe(true);
  });
});

describe('what is refused', () => {
  test('a second engine of the same instance, which leaves the first alone', async () => {
    const running = await start(scriptSpec(home, image, httpEngine));
    await untilLine(running, 'serving');
    await expect(driver.start(scriptSpec(home, image, httpEngine))).rejects.toMatchObject({
      code: 'STEP_DOCKER_BUSY',
      exitCode: 9,
    });
    expect((await requestEngine(running.endpoint, { path: '/', timeoutMs: 5000 })).status).toBe(200);
  });

  test('an image that is not here, leaving no network behind', async () => {
    const spec = scriptSpec(home, 'stepctl/none:1', httpEngine);
    await expect(driver.check(spec)).rejects.toMatchObject({ code: 'STEP_DOCKER_IMAGE' });
    await expect(driver.start(spec)).rejects.toMatchObject({ code: 'STEP_DOCKER_IMAGE' });
  });
});

describe('what an earlier controller left', () => {
  test('is found and removed after the controller was killed', async () => {
    const spec = scriptSpec(home, image, httpEngine);
    const abandon = fileURLToPath(new URL('abandon.ts', import.meta.url));
    const { stdout } = await run(process.execPath, [abandon, JSON.stringify(spec)]).catch(
      (error: unknown) => error as { stdout: string },
    );
    expect(stdout).toContain('started');
    const found = await driver.leftovers('test', home.stateDir);
    expect(found.map((one) => one.kind)).toEqual(['container', 'network']);
    expect(found[0]?.text).toContain(engineName('test', home.stateDir));
    expect(await driver.leftovers('test', '/another/state')).toEqual([]);
    expect(await driver.remove('test', home.stateDir)).toHaveLength(2);
    expect(await driver.leftovers('test', home.stateDir)).toEqual([]);
  });
});

const hasHook = () =>
  run('sh', ['-c', 'command -v nvidia-container-runtime-hook']).then(
    () => true,
    () => false,
  );

describe('GPUs', () => {
  test('are asked of the daemon as device requests; nobody claims that one ran', async () => {
    const spec = scriptSpec(home, image, 'print("no GPU is used here")', {
      gpus: { kind: 'count', count: 2 },
    });
    const started = await driver.start(spec).then(
      (running) => ({ running, error: null }),
      (error: unknown) => ({ running: null, error }),
    );
    if (started.running === null) {
      expect(await hasHook()).toBe(false);
      expect(started.error).toMatchObject({ code: 'STEP_DOCKER_GPU', exitCode: 8 });
      return;
    }
    owned.push(started.running);
    const { HostConfig } = await docker.getContainer(started.running.id).inspect();
    expect(HostConfig.DeviceRequests).toMatchObject([{ Count: 2, Capabilities: [['gpu']] }]);
  });
});
