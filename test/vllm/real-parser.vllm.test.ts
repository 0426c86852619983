import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { prepareEnvironment } from '../../src/build/index.ts';
import { silentReporter } from '../../src/lib/index.ts';
import { compileServe } from '../../src/vllm/index.ts';
import { stackOf } from './helpers.ts';

const script = fileURLToPath(new URL('../fixtures/parse_serve.py', import.meta.url));
const dataDir = join(process.env['STEPCTL_TEST_CACHE'] ?? join(tmpdir(), 'stepctl-test-cache'), 'data');

/** The same inputs as the profile, so that other files of this tier share the environment. */
async function askParser(
  version: string,
  args: readonly string[],
): Promise<{ parsed: Record<string, unknown> | null; text: string }> {
  const stack = await stackOf('tiny-cpu', [`engine.vllm=${version}`]);
  const environment = await prepareEnvironment({
    package: stack.engine.package,
    vllm: version,
    patches: stack.patches,
    emulation: stack.emulation,
    dataDir,
    reporter: silentReporter,
    signal: AbortSignal.timeout(600_000),
  });
  const run = await execa(environment.python, [script, ...args], {
    env: { ...environment.env, HF_HUB_OFFLINE: '1', VLLM_NO_USAGE_STATS: '1' },
    all: true,
    reject: false,
    timeout: 180_000,
  });
  const line = run.all.split('\n').find((one) => one.startsWith('PARSED '));
  return {
    parsed: line === undefined ? null : (JSON.parse(line.slice('PARSED '.length)) as Record<string, unknown>),
    text: run.all,
  };
}

describe.each(['0.16.0', '0.32.0'])('the real parser of vLLM %s', (version) => {
  test('takes what tiny-cpu compiles to, and understands it as meant', async () => {
    const { args } = compileServe({
      stack: await stackOf('tiny-cpu', [`engine.vllm=${version}`]),
      modelPath: '/model',
    });
    const { parsed, text } = await askParser(version, args);
    expect(parsed, text).toMatchObject({
      model_tag: '/model',
      served_model_name: ['step3p5-tiny'],
      max_model_len: 4096,
      enforce_eager: true,
      trust_remote_code: true,
      reasoning_parser: 'step3p5',
      tool_call_parser: 'step3p5',
      enable_auto_tool_choice: true,
    });
  });

  test('takes what the two-GPU profiles compile to', async () => {
    const { args } = compileServe({
      stack: await stackOf('step-3.5-flash-nvfp4', [`engine.vllm=${version}`]),
      modelPath: '/model',
    });
    const { parsed, text } = await askParser(version, args);
    // `auto` is -1 inside.
    expect(parsed, text).toMatchObject({
      tensor_parallel_size: 2,
      max_model_len: -1,
      disable_custom_all_reduce: true,
    });
    if (version === '0.32.0') expect(parsed).toMatchObject({ moe_backend: 'cutlass', shutdown_timeout: 10 });
  });
});

test('the table is right that 0.16.0 does not know --moe-backend', async () => {
  const { parsed, text } = await askParser('0.16.0', ['serve', '/model', '--moe-backend', 'cutlass']);
  expect(parsed).toBeNull();
  expect(text).toContain('unrecognized arguments: --moe-backend cutlass');
});
