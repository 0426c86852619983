import { execa } from 'execa';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSandbox, type Sandbox } from './stepctl.ts';
import { readStatus, sharedData, truthOf } from './vllm-box.ts';

const docker = async (...args: string[]): Promise<string> => (await execa('docker', args)).stdout;
const hasDocker = (await execa('docker', ['version'], { reject: false })).exitCode === 0;
if (!hasDocker)
  process.stdout.write(
    'skipped: scene 3 needs a Docker daemon, and none answers (scripts/docker-up.sh starts one)\n',
  );

describe.skipIf(!hasDocker).each([['0.16.0'], ['0.32.0']])(
  'real vLLM %s in a container that stepctl built',
  (release) => {
    let box: Sandbox;
    let container: string;
    beforeAll(async () => {
      box = await openSandbox(sharedData);
      const up = await box.run(
        'up',
        '-d',
        '--profile',
        'tiny-cpu',
        '--engine',
        'docker',
        '--set',
        `engine.vllm=${release}`,
      );
      if (up.code !== 0)
        throw new Error(
          `up ended with ${String(up.code)}:\n${up.stderr}\n${(await box.run('logs', '-n', '80')).stdout}`,
        );
      container = (await readStatus(box)).engine.snapshot?.engineId ?? '';
    });
    afterAll(() => box.close());

    it('says the known text word by word through the proxy', async () => {
      const key = (await box.run('keys', 'create', 'tests')).stdout.trim();
      const client = new OpenAI({ baseURL: `http://127.0.0.1:${box.port}/v1`, apiKey: key, maxRetries: 0 });
      const chat = await truthOf(box, 'chat');
      const answer = await client.chat.completions.create({
        model: 'step3p5-tiny',
        messages: [{ role: 'user', content: chat.prompt }],
        temperature: 0,
      });
      expect(answer.choices[0]?.message.content?.trim()).toBe(chat.content.trim());
    });

    it('passes smoke', async () => {
      const smoke = await box.run('smoke', '--json');
      expect(JSON.parse(smoke.stdout)).toMatchObject({ verdict: 'pass', counts: { fail: 0 } });
    });

    it('runs confined: no capability, no new privileges, no published port, model read-only, capped log, init, shared memory sized', async () => {
      const [facts] = JSON.parse(await docker('inspect', container)) as Record<
        string,
        Record<string, unknown>
      >[];
      expect(facts?.['HostConfig']).toMatchObject({
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges'],
        ReadonlyRootfs: true,
        Init: true,
        ShmSize: 1024 ** 3,
        LogConfig: { Type: 'json-file', Config: { 'max-size': expect.any(String) as string } },
      });
      expect(
        Object.values((facts?.['NetworkSettings']?.['Ports'] ?? {}) as Record<string, unknown>).filter(
          (one) => one !== null,
        ),
      ).toEqual([]);
      const mounts = facts?.['Mounts'] as unknown as { Destination: string; RW: boolean }[];
      expect(
        mounts.filter((mount) => mount.Destination.startsWith('/models')).map((mount) => mount.RW),
      ).toEqual([false]);
      const networks = Object.keys((facts?.['NetworkSettings']?.['Networks'] ?? {}) as object);
      const [network] = JSON.parse(await docker('network', 'inspect', networks[0] ?? '')) as {
        Internal: boolean;
      }[];
      expect(network?.Internal).toBe(true);
    });

    it('comes back after its container was killed, and down leaves neither container nor network', async () => {
      await docker('kill', container);
      const chat = await box.run('chat', 'Hello! Who are you?', '--temperature', '0');
      expect(chat.stdout).toContain((await truthOf(box, 'chat')).content.trim());
      const engine = (await readStatus(box)).engine.snapshot;
      expect(engine).toMatchObject({ state: 'ready', incarnation: 2 });
      const label = `label=stepctl.state=${box.env['XDG_STATE_HOME'] ?? ''}/stepctl/default`;
      expect((await box.run('down')).code).toBe(0);
      expect(await docker('ps', '-aq', '--filter', label)).toBe('');
      expect(await docker('network', 'ls', '-q', '--filter', label)).toBe('');
    });
  },
);
