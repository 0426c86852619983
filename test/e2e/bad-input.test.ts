import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSandbox, type Sandbox } from './stepctl.ts';

let box: Sandbox;
beforeEach(async () => {
  box = await openSandbox();
});
afterEach(() => box.close());

const demo = ['--profile', 'demo'];

describe('bad input', () => {
  it.each([
    [['up', '--profile', 'dmo'], 64, /dmo[\s\S]*did you mean --profile demo/],
    [['up', '--profile', 'demo', '--set', 'serve.nmae=x'], 64, /nmae[\s\S]*did you mean/],
    [['chat', ''], 64, /question is empty/],
    [['chat', 'Hello'], 3, /nothing is up[\s\S]*stepctl up/],
    [['restart'], 3, /nothing is up/],
    [['nonsense'], 64, /unknown command/],
    [['logs', 'nothing'], 64, /there is no log/],
    [['completion', 'tcsh'], 64, /bash, zsh and fish/],
    [['up', '--profile', 'demo', '--set', 'model.path=/nonexistent'], 2, /nonexistent/],
    [['up', '--profile', 'demo', '--set', 'model.repo=nobody/nothing'], 5, /has no nobody\/nothing/],
  ] as const)('stepctl %j ends with %i and says why', async (args, code, text) => {
    const end = await box.run(...args);
    expect(end.stderr).toMatch(text);
    expect(end.code).toBe(code);
  });

  it('no Docker daemon is told before anything is built', async () => {
    box.env['DOCKER_HOST'] = 'unix:///nonexistent/docker.sock';
    const end = await box.run('up', '--profile', 'tiny-cpu', '--engine', 'docker');
    expect(end.code).toBe(2);
    expect(end.stderr).toMatch(/Docker[\s\S]*next/);
  });

  it('a port that is taken is told before anything is built, with its holder', async () => {
    const { createServer } = await import('node:net');
    const server = createServer().listen(box.port, '127.0.0.1');
    try {
      const end = await box.run('up', ...demo);
      expect(end.code).toBe(9);
      expect(end.stderr).toMatch(new RegExp(`${box.port}[\\s\\S]*${process.pid}`));
    } finally {
      server.close();
    }
  });
});
