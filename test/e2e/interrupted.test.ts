import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { engineProcesses, openSandbox, type Sandbox } from './stepctl.ts';

let box: Sandbox;
beforeEach(async () => {
  box = await openSandbox();
});
afterEach(() => box.close());

const demo = ['--profile', 'demo'];

describe('stopped or broken on the way up', () => {
  it.each([[/^pull .*verified/m], [/^engine +starting/m], [/^engine +weights/m]])(
    'Ctrl-C after %s ends with 130 and leaves nothing',
    async (moment) => {
      const up = box.start('up', ...demo);
      await up.until(moment);
      up.child.kill('SIGINT');
      const end = await up.finished;
      expect(end.code).toBe(130);
      expect(end.stderr).toMatch(/interrupted[\s\S]*next/);
      expect(await engineProcesses(box)).toEqual([]);
      expect((await box.run('status')).code).toBe(3);
    },
  );

  it('Ctrl-C of `up -d` takes the coming controller down with it', async () => {
    const up = box.start('up', '-d', ...demo);
    await up.until(/^engine +starting/m);
    up.child.kill('SIGINT');
    expect((await up.finished).code).toBe(130);
    expect(await engineProcesses(box)).toEqual([]);
    expect((await box.run('status')).code).toBe(3);
  });

  it('an engine that never gets ready is given up with its cause, and nothing stays', async () => {
    const set = [
      'engine.args=["--sim-never-ready"]',
      'engine.startTimeoutMs=3000',
      'supervisor.maxFailedStarts=1',
    ];
    const up = await box.run('up', ...demo, ...set.flatMap((one) => ['--set', one]));
    expect(up.code).toBe(6);
    expect(up.stderr).toMatch(/given up[\s\S]*why[\s\S]*next/);
    expect(await engineProcesses(box)).toEqual([]);
  });

  it('an engine that answers other text than its checkpoint says is refused', async () => {
    const up = await box.run('up', ...demo, '--set', 'engine.args=["--sim-wrong-text"]');
    expect(up.code).toBe(6);
    expect(up.stderr).toContain('where a right load of this checkpoint says');
  });
});
