import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { engineProcesses, openSandbox, type Sandbox } from './stepctl.ts';

let box: Sandbox;
beforeEach(async () => {
  box = await openSandbox();
});
afterEach(() => box.close());

const demo = ['--profile', 'demo'];

describe('the demo, as a newcomer meets it', () => {
  it('comes up, streams an answer through the proxy, says what next, and Ctrl-C leaves nothing', async () => {
    const up = box.start('up', ...demo);
    const text = await up.until(/^here .*npm run stepctl/m);
    expect(text).toMatch(/build +left out: the simulator/);
    expect(text).toMatch(/verified \d+ files/);
    expect(text).toMatch(/I am the tiny scripted model of stepctl/);
    expect(text).toContain(`http://127.0.0.1:${box.port}/v1`);
    expect(text).toContain('stepctl keys create');
    up.child.kill('SIGINT');
    const end = await up.finished;
    expect(end.code).toBe(0);
    expect(end.stderr).toContain('nothing is left running');
    expect(await engineProcesses(box)).toEqual([]);
    expect((await box.run('status')).code).toBe(3);
  });

  it('detaches, answers every command, refuses a second up, and goes down', async () => {
    const up = await box.run('up', '-d', ...demo);
    expect(up.stderr).toContain('ready');
    expect(up.code).toBe(0);

    const status = JSON.parse((await box.run('status', '--json')).stdout) as Record<
      string,
      { snapshot?: { state: string } }
    >;
    expect(status).toMatchObject({
      schema: 'stepctl/status/1',
      stage: 'serving',
      engine: { driver: 'sim', snapshot: { state: 'ready' } },
      model: { files: expect.any(Number) as number },
    });

    const chat = JSON.parse(
      (await box.run('chat', 'Hello! Who are you?', '--temperature', '0', '--json')).stdout,
    ) as Record<string, string>;
    expect(chat['content']).toContain('tiny scripted model');
    expect(chat['reasoning']).not.toBe('');

    const smoke = await box.run('smoke', '--json');
    expect(JSON.parse(smoke.stdout)).toMatchObject({ schema: 'stepctl/smoke/1', verdict: 'pass' });
    expect(smoke.code).toBe(0);

    const again = await box.run('up', '-d', ...demo);
    expect(again.code).toBe(9);
    expect(again.stderr).toMatch(/is up already[\s\S]*why[\s\S]*next/);
    expect((await box.run('up', '--ensure', ...demo)).code).toBe(0);

    expect((await box.run('logs')).stdout).toContain('Application startup complete');
    const access = (await box.run('logs', 'proxy')).stdout;
    expect(access).toContain('"route":"chat"');
    expect(access).not.toContain('Who are you');
    expect((await box.run('restart')).stdout).toContain('ready again');

    const down = await box.run('down');
    expect(down).toMatchObject({ code: 0 });
    expect(await engineProcesses(box)).toEqual([]);
    expect((await box.run('down')).stdout).toContain('nothing was up');
  });

  it('lets in who has a key and nobody else', async () => {
    await box.run('up', '-d', '--no-hello', ...demo);
    const url = `http://127.0.0.1:${box.port}`;
    const key = (await box.run('keys', 'create', 'laptop')).stdout.trim();
    const ask = (authorization?: string) =>
      request(`${url}/v1/models`, { headers: authorization === undefined ? {} : { authorization } });
    expect((await ask(`Bearer ${key}`)).statusCode).toBe(200);
    expect((await ask('Bearer sk-step-none')).statusCode).toBeGreaterThanOrEqual(400);
    expect((await ask()).statusCode).toBe(401);
    expect((await request(`${url}/health/ready`)).statusCode).toBe(200);
    const { keys } = JSON.parse((await box.run('keys', 'list', '--json')).stdout) as {
      keys: { id: string }[];
    };
    await box.run('keys', 'revoke', keys[0]?.id ?? '');
    expect((await ask(`Bearer ${key}`)).statusCode).toBe(401);
    expect(
      await readFile(join(box.env['XDG_CONFIG_HOME'] ?? '', 'stepctl', 'keys.json'), 'utf8'),
    ).not.toContain(key.slice(-20));
  });

  it('survives the death of its controller: status says so, up clears away and starts anew', async () => {
    await box.run('up', '-d', '--no-hello', ...demo);
    const { controller } = JSON.parse((await box.run('status', '--json')).stdout) as {
      controller: { pid: number };
    };
    process.kill(controller.pid, 'SIGKILL');
    const status = await box.run('status');
    expect(status.code).toBe(6);
    expect(status.stdout).toMatch(/controller of instance "default" is gone/);
    const up = await box.run('up', '-d', ...demo);
    expect(up.code).toBe(0);
    expect(up.stderr).toContain('removed what a dead controller left');
    expect(await engineProcesses(box)).toHaveLength(1);
  });
});
