import { cp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Script } from '../../src/lib/index.ts';
import { type BenchResult, compareWithVllmBench, renderComparison } from '../../src/bench/index.ts';
import { engineProcesses, openSandbox, type Sandbox } from './stepctl.ts';
import { engineMetric, eventually, readStatus, sharedData, truthOf } from './vllm-box.ts';

const weatherTool = {
  type: 'function' as const,
  function: {
    name: 'get_weather',
    description: 'Weather of a city',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};

interface Scene {
  box: Sandbox;
  client: OpenAI;
  key: string;
  chat: Script;
  python: string;
}

async function bringUp(...args: string[]): Promise<Scene> {
  const box = await openSandbox(sharedData);
  const up = await box.run('up', '-d', '--profile', 'tiny-cpu', ...args);
  if (up.code !== 0)
    throw new Error(
      `up ended with ${String(up.code)}:\n${up.stderr}\n${(await box.run('logs', '-n', '80')).stdout}`,
    );
  const key = (await box.run('keys', 'create', 'tests')).stdout.trim();
  const client = new OpenAI({
    baseURL: `http://127.0.0.1:${box.port}/v1`,
    apiKey: key,
    maxRetries: 0,
    timeout: 300_000,
  });
  const python = (await readStatus(box)).engine.command[0] ?? '';
  return { box, client, key, chat: await truthOf(box, 'chat'), python };
}

const model = 'step3p5-tiny';
const hello = (scene: Scene) => [{ role: 'user' as const, content: scene.chat.prompt }];

interface Reasoned {
  content: string | null;
  reasoning?: string;
}

describe.each([
  { release: '0.16.0', patch: 'applied' },
  { release: '0.32.0', patch: 'already-upstream|not-needed' },
])('real vLLM $release, in its own Python environment', ({ release, patch }) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await bringUp('--set', `engine.vllm=${release}`);
  });
  afterAll(() => scene.box.close());

  it('says what is in it: the patch and how that is known, the emulation, the release that answers', async () => {
    const status = await readStatus(scene.box);
    expect(status.engine.reportedVersion).toMatch(new RegExp(`^${release.replaceAll('.', '\\.')}`));
    expect(status.build.patches.find((one) => one.id === 'swiglustep-nvfp4-moe')?.outcome).toMatch(
      new RegExp(patch),
    );
    expect(status.build.emulation).toBe(true);
    // Every intent of the profile, by the engine's own log.
    expect(status.engine.intents.length).toBeGreaterThanOrEqual(6);
    expect(status.engine.intents.filter((one) => one.outcome !== 'proved')).toEqual([]);
    expect(status.model.files).toBeGreaterThanOrEqual(23);
  });

  it('every process of the running engine says that it is what was built', async () => {
    const { build } = await readStatus(scene.box);
    expect(build.proofs.filter((proof) => proof.name !== 'lock')).toMatchObject([
      { name: 'build', verdict: 'yes' },
      { name: 'engine', verdict: 'yes' },
    ]);
    // 0.16.0 runs the worker inside its engine core, 0.32.0 in a process of its own.
    const roles = new Set(build.runtime?.processes.map(({ role }) => role));
    expect([...roles]).toEqual(release === '0.16.0' ? ['api', 'core'] : ['api', 'core', 'worker']);
    expect(build.runtime?.weights).toMatchObject({ unfilled: 0 });
    expect(build.runtime?.weights?.parameters).toBeGreaterThan(100);
    expect(build.runtime?.moe.map(({ layers, activation }) => `${layers} ${activation}`)).toEqual([
      '1-2 silu',
      '3 swiglustep',
    ]);
  });

  it('says the known text word by word, reasoning and content apart (npm openai)', async () => {
    const answer = await scene.client.chat.completions.create({
      model,
      messages: hello(scene),
      temperature: 0,
    });
    const message = answer.choices[0]?.message as unknown as Reasoned;
    expect(message.reasoning?.trim()).toBe(scene.chat.reasoning.trim());
    expect(message.content?.trim()).toBe(scene.chat.content.trim());
    expect(answer.usage?.completion_tokens).toBe(scene.chat.completionTokens);
  });

  it('streams the same text (npm openai)', async () => {
    let content = '';
    let reasoning = '';
    for await (const chunk of await scene.client.chat.completions.create({
      model,
      messages: hello(scene),
      temperature: 0,
      stream: true,
    })) {
      const delta = chunk.choices[0]?.delta as unknown as Reasoned | undefined;
      content += delta?.content ?? '';
      reasoning += delta?.reasoning ?? '';
    }
    expect(content.trim()).toBe(scene.chat.content.trim());
    expect(reasoning.trim()).toBe(scene.chat.reasoning.trim());
  });

  it('makes one tool call with its arguments (npm openai)', async () => {
    const tool = await truthOf(scene.box, 'tool');
    const answer = await scene.client.chat.completions.create({
      model,
      messages: [{ role: 'user', content: tool.prompt }],
      tools: [weatherTool],
      temperature: 0,
    });
    const calls = answer.choices[0]?.message.tool_calls ?? [];
    expect(
      calls.map((call) =>
        call.type === 'function'
          ? { name: call.function.name, arguments: JSON.parse(call.function.arguments) as unknown }
          : call,
      ),
    ).toEqual(tool.toolCalls);
    expect(answer.choices[0]?.finish_reason).toBe('tool_calls');
  });

  it('refuses a wrong key before the engine is touched (npm openai)', async () => {
    const stranger = new OpenAI({
      baseURL: `http://127.0.0.1:${scene.box.port}/v1`,
      apiKey: 'sk-step-wrong',
      maxRetries: 0,
    });
    await expect(stranger.chat.completions.create({ model, messages: hello(scene) })).rejects.toMatchObject({
      status: 401,
    });
  });

  it('an abort reaches the engine: its running count returns to 0', async () => {
    const endless = await truthOf(scene.box, 'endless');
    const stream = await scene.client.chat.completions.create({
      model,
      messages: [{ role: 'user', content: endless.prompt }],
      temperature: 0,
      max_tokens: 3000,
      stream: true,
    });
    let chunks = 0;
    for await (const _ of stream) if (++chunks === 5) break;
    expect(chunks).toBe(5);
    const running = await eventually(
      () => engineMetric(scene.box, 'vllm:num_requests_running'),
      (count) => count === 0,
      AbortSignal.timeout(15_000),
    );
    expect(running).toBe(0);
  });

  it('serves the PyPI openai client the same', async () => {
    const script = join(import.meta.dirname, '../fixtures/clients/openai_client.py');
    const ran = await execa(scene.python, [script, `http://127.0.0.1:${scene.box.port}/v1`, model], {
      env: { STEPCTL_API_KEY: scene.key },
    });
    const seen = JSON.parse(ran.stdout) as {
      content: string;
      reasoning: string;
      streamed: Reasoned;
      calls: unknown;
      finish: string;
      wrong_key: string;
    };
    expect(seen.content.trim()).toBe(scene.chat.content.trim());
    expect(seen.reasoning.trim()).toBe(scene.chat.reasoning.trim());
    expect(seen.streamed.content?.trim()).toBe(scene.chat.content.trim());
    expect(seen.calls).toEqual([{ name: 'get_weather', arguments: { city: 'Paris' } }]);
    expect(seen).toMatchObject({ finish: 'tool_calls', wrong_key: 'refused' });
  });

  it('passes smoke', async () => {
    const smoke = await scene.box.run('smoke', '--json');
    expect(JSON.parse(smoke.stdout)).toMatchObject({ verdict: 'pass', counts: { fail: 0 } });
  });

  it('the pulled cache is read offline by huggingface_hub', async () => {
    const code =
      'import sys; from huggingface_hub import snapshot_download; print(snapshot_download(sys.argv[1], cache_dir=sys.argv[2], revision="main"))';
    const cache = join(sharedData, 'stepctl', 'hub');
    const ran = await execa(scene.python, ['-c', code, 'stepctl/tiny-step3p5-nvfp4', cache], {
      env: { HF_HUB_OFFLINE: '1' },
    });
    expect(ran.stdout.trim().split('\n').at(-1)).toBe((await readStatus(scene.box)).model.path);
  });

  it('comes back by itself when EngineCore is killed under load (SIGKILL, vLLM then ends with code 0); waiting requests are answered, no orphan stays', async () => {
    const [core] = await engineProcesses(scene.box, 'VLLM::EngineCore');
    expect(core).toBeGreaterThan(1);
    const endless = await truthOf(scene.box, 'endless');
    const cut = scene.client.chat.completions
      .create({
        model,
        messages: [{ role: 'user', content: endless.prompt }],
        temperature: 0,
        max_tokens: 4000,
        stream: true,
      })
      .then(async (stream) => {
        for await (const chunk of stream) if ('error' in chunk) throw new Error('in-stream error');
        return 'ended';
      });
    await eventually(
      () => engineMetric(scene.box, 'vllm:num_requests_running'),
      (count) => count > 0,
      AbortSignal.timeout(30_000),
    );
    process.kill(core ?? 0, 'SIGKILL');
    await expect(cut).rejects.toThrow();
    const waiting = await Promise.all(
      Array.from({ length: 4 }, () =>
        scene.client.chat.completions.create({ model, messages: hello(scene), temperature: 0 }),
      ),
    );
    for (const answer of waiting)
      expect(answer.choices[0]?.message.content?.trim()).toBe(scene.chat.content.trim());
    const status = await readStatus(scene.box);
    expect(status.engine.snapshot).toMatchObject({ state: 'ready', incarnation: 2 });
    const cores = await engineProcesses(scene.box, 'VLLM::EngineCore');
    expect(cores).toHaveLength(1);
    expect(cores).not.toContain(core);
  });

  // Once is enough: the peer's own clients are the same in both releases.
  if (release === '0.16.0')
    it('bench counts what `vllm bench serve` counts on the same engine, and shows the figures side by side', async () => {
      const file = join(scene.box.dir, 'vllm-bench.json');
      const load = { requests: 12, input: 64, output: 128 };
      const { model: served } = await readStatus(scene.box);
      await execa(
        scene.python,
        [
          '-m',
          'vllm.entrypoints.cli.main',
          'bench',
          'serve',
          '--backend',
          'openai-chat',
          '--base-url',
          `http://127.0.0.1:${scene.box.port}`,
          '--endpoint',
          '/v1/chat/completions',
          '--model',
          model,
          '--tokenizer',
          served.path ?? '',
          '--dataset-name',
          'random',
          '--random-input-len',
          String(load.input),
          '--random-output-len',
          String(load.output),
          '--num-prompts',
          String(load.requests),
          '--max-concurrency',
          '1',
          '--ignore-eos',
          '--temperature',
          '0',
          '--save-result',
          '--result-filename',
          file,
        ],
        { env: { OPENAI_API_KEY: scene.key, HF_HUB_OFFLINE: '1' } },
      );
      const ours = join(scene.box.dir, 'ours.json');
      const bench = await scene.box.run(
        'bench',
        '--scenario',
        'decode',
        '--concurrency',
        '1',
        '--requests',
        String(load.requests),
        '--input-tokens',
        String(load.input),
        '--output-tokens',
        String(load.output),
        '--output',
        ours,
      );
      expect(bench.code).toBe(0);
      const theirs: unknown = JSON.parse(await readFile(file, 'utf8'));
      const result = JSON.parse(await readFile(ours, 'utf8')) as BenchResult;
      // Times are shown, not asserted: another process on the machine must not fail a test. Counts must agree to the token.
      process.stdout.write(`${renderComparison(compareWithVllmBench(result, theirs))}\n`);
      expect(theirs).toMatchObject({
        completed: load.requests,
        total_output_tokens: load.requests * load.output,
      });
      expect(result.levels[0]).toMatchObject({
        outputTokens: load.requests * load.output,
        requests: { ok: load.requests, failed: 0 },
      });
    });
});

describe('counter-proofs on unpatched vLLM 0.16.0', () => {
  it('another vLLM that gets before the built one is found out by the running engine: exit 4, proof 3 named', async () => {
    const box = await openSandbox(sharedData);
    try {
      const built = await box.run('build', '--profile', 'tiny-cpu', '--json');
      const { artefact } = JSON.parse(built.stdout) as { artefact: string };
      const lib = (await readdir(join(artefact, 'lib'))).find((name) => name.startsWith('python'));
      await cp(join(artefact, 'lib', lib ?? '', 'site-packages/vllm'), join(box.dir, 'other/vllm'), {
        recursive: true,
      });
      expect((await box.run('patch', 'apply', '--undo', '--to', join(box.dir, 'other'))).code).toBe(0);
      const path = `serve.env.PYTHONPATH=${join(box.dir, 'other')}`;
      const up = await box.run('up', '--profile', 'tiny-cpu', '--set', path);
      expect(up.code).toBe(4);
      expect(up.stderr).toMatch(/proof 3 of 3 \(engine\) failed/);
      expect(up.stderr).toMatch(/API server \(pid \d+\): vllm\/\S+\.py has sha256 \w{64}, built was \w{64}/);
      expect(await engineProcesses(box)).toEqual([]);
    } finally {
      await box.close();
    }
  });

  it('the NVFP4 checkpoint does not come up, and the message names the missing patch', async () => {
    const box = await openSandbox(sharedData);
    try {
      const up = await box.run('up', '--profile', 'tiny-cpu', '--set', 'patches=[]');
      expect(up.code).toBe(6);
      expect(up.stderr).toContain('swiglustep-nvfp4-moe');
      expect(await engineProcesses(box)).toEqual([]);
    } finally {
      await box.close();
    }
  });

  it('a checkpoint without swiglustep, which vLLM loads without a word, is refused at readiness, and it says why', async () => {
    const box = await openSandbox(sharedData);
    try {
      const up = await box.run(
        'up',
        '--profile',
        'tiny-cpu',
        '--set',
        'patches=[]',
        '--set',
        'model.repo=stepctl/tiny-step3p5-nvfp4-silu',
      );
      expect(up.code).toBe(6);
      expect(up.stderr).toMatch(/skips the per-expert NVFP4 tensors/);
      expect(up.stderr).toContain('swiglustep-nvfp4-moe');
      expect(await engineProcesses(box)).toEqual([]);
    } finally {
      await box.close();
    }
  });
});
