import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  claimInstance,
  findController,
  needController,
  readInstance,
  serveControl,
} from '../../src/control/index.ts';
import type { ControllerApi, StatusReport } from '../../src/control/index.ts';
import { identifyProcess, StepError } from '../../src/lib/index.ts';

let env: Record<string, string>;
beforeEach(async () => {
  env = { XDG_STATE_HOME: await mkdtemp(join(tmpdir(), 'stepctl-control-')) };
});

const facts = { driver: 'sim', profile: 'demo', listen: '127.0.0.1:0' };

const apiWith = (parts: Partial<ControllerApi>): ControllerApi => ({
  status: () => ({ schema: 'stepctl/status/1', stage: 'serving' }) as StatusReport,
  localKey: () => 'sk-step-local',
  restart: () => Promise.resolve(),
  down: () => Promise.resolve(),
  ...parts,
});

describe('claiming an instance', () => {
  it('refuses a second controller and names the first by pid', async () => {
    const claim = await claimInstance('one', env);
    const second = claimInstance('one', env);
    await expect(second).rejects.toMatchObject({ code: 'STEP_CONTROL_BUSY', exitCode: 9 });
    await expect(second).rejects.toThrow('is up already');
    await claim.release();
  });

  it('gives a released instance to the next and leaves no file behind', async () => {
    const claim = await claimInstance('one', env);
    await claim.record(facts);
    await claim.release();
    expect(await readdir(claim.dir)).toEqual([]);
    await (await claimInstance('one', env)).release();
  });

  it('takes over from a controller that was killed', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6); console.log("up")'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const owner = await identifyProcess(child.pid);
    const claim = await claimInstance('one', env);
    await writeFile(join(claim.dir, 'controller.lock'), JSON.stringify(owner));
    await expect(claimInstance('one', env)).rejects.toMatchObject({ code: 'STEP_CONTROL_BUSY' });
    child.kill('SIGKILL');
    await once(child, 'exit');
    await (await claimInstance('one', env)).release();
  });

  it('lets exactly one of many racing processes in', async () => {
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => claimInstance('race', env)));
    expect(tries.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
  });

  it('tells a dead controller from a live one', async () => {
    const claim = await claimInstance('one', env);
    await claim.record(facts);
    expect(await readInstance('one', env)).toMatchObject({ alive: true, record: facts });
    const text = JSON.stringify({
      schema: 'stepctl/instance/1',
      owner: { pid: 2 ** 22 + 1, startTicks: '1', host: (await identifyProcess()).host },
      socket: claim.socket,
      startedAt: 0,
      ...facts,
    });
    await writeFile(join(claim.dir, 'controller.json'), text);
    expect(await readInstance('one', env)).toMatchObject({ alive: false });
    expect(await findController('one', env)).toBeNull();
    await claim.release();
  });
});

describe('the control socket', () => {
  it('answers status, gives the local key, and is open to its user only', async () => {
    const claim = await claimInstance('one', env);
    const server = await serveControl(claim.socket, apiWith({}));
    await claim.record(facts);
    expect((await stat(claim.socket)).mode & 0o777).toBe(0o600);
    const client = await needController('one', env);
    expect(await client.status()).toMatchObject({ stage: 'serving' });
    expect(await client.localKey()).toBe('sk-step-local');
    await server.close();
    await claim.release();
  });

  it('carries a failure over with its code, reason and next command', async () => {
    const claim = await claimInstance('one', env);
    const restart = (): Promise<void> =>
      Promise.reject(
        new StepError('STEP_CONTROL_NOT_UP', {
          verdict: 'no engine yet',
          reason: 'still pulling',
          next: 'stepctl status',
        }),
      );
    const server = await serveControl(claim.socket, apiWith({ restart }));
    await claim.record(facts);
    const client = await needController('one', env);
    await expect(client.restart()).rejects.toMatchObject({
      verdict: 'no engine yet',
      reason: 'still pulling',
      next: 'stepctl status',
      details: { code: 'STEP_CONTROL_NOT_UP' },
    });
    await server.close();
    await claim.release();
  });

  it('says what to type when nothing is up', async () => {
    await expect(needController('nobody', env)).rejects.toMatchObject({
      code: 'STEP_CONTROL_NOT_UP',
      next: 'stepctl up -d',
    });
  });

  it('works where the state folder is too deep for a socket path (unix(7): 108 bytes)', async () => {
    const deep = { XDG_STATE_HOME: join(env['XDG_STATE_HOME'] ?? '', 'd'.repeat(120)) };
    const claim = await claimInstance('one', deep);
    const server = await serveControl(claim.socket, apiWith({}));
    await claim.record(facts);
    expect(await (await needController('one', deep)).status()).toMatchObject({ stage: 'serving' });
    await server.close();
    await claim.release();
  });
});
