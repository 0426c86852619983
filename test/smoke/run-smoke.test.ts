import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { silentReporter } from '../../src/lib/index.ts';
import { renderSmoke, runSmoke, type SmokeOptions, type SmokeResult } from '../../src/smoke/index.ts';
import {
  type MockProgram,
  mockScript,
  type Sabotage,
  startMockEngine,
} from '../fixtures/mock-engine/index.ts';

async function smoke(
  program: Partial<MockProgram>,
  options: Partial<SmokeOptions> = {},
  signal?: AbortSignal,
): Promise<SmokeResult> {
  const engine = await startMockEngine({ itlMs: 1, script: mockScript, apiKey: 'sk-right', ...program });
  const base: SmokeOptions = {
    baseUrl: `${engine.url}/v1`,
    apiKey: 'sk-right',
    model: 'mock',
    script: mockScript,
    running: () => Promise.resolve(engine.running()),
    features: { reasoning: true, tools: true },
    abortDeadlineMs: 200,
  };
  try {
    return await runSmoke({ ...base, ...options }, silentReporter, signal ?? new AbortController().signal);
  } finally {
    await engine.close();
  }
}

const idsOf = (result: SmokeResult, status: string): string[] =>
  result.checks.filter((check) => check.status === status).map((check) => check.id);

describe('runSmoke', () => {
  it('passes every check on a right stack, with evidence for each', async () => {
    const result = await smoke({});
    expect(result).toMatchObject({
      schema: 'stepctl/smoke/1',
      verdict: 'pass',
      counts: { fail: 0, skipped: 0 },
    });
    expect(result.checks.length).toBeGreaterThanOrEqual(12);
    for (const check of result.checks) {
      expect(check.reason).toBeNull();
      expect(check.evidence.length, check.id).toBeGreaterThan(0);
      expect(check.proves).not.toBe('');
    }
    expect(JSON.stringify(result)).not.toContain('sk-right');
  });

  it.each<[Sabotage, string[]]>([
    ['dead', ['live']],
    ['never-ready', ['ready']],
    ['other-model', ['models']],
    ['any-key', ['wrong-key']],
    ['every-route', ['unknown-route']],
    ['any-field', ['bad-field']],
    ['no-done', ['stream']],
    ['reasoning-in-content', ['reasoning-apart', 'truth-chat', 'truth-tool', 'two-streams']],
    ['broken-arguments', ['tool-call', 'truth-tool']],
    ['usage-differs', ['usage', 'max-tokens', 'truth-chat', 'truth-tool']],
    ['random-text', ['determinism', 'truth-chat', 'truth-tool', 'two-streams']],
    ['wrong-text', ['truth-chat', 'two-streams']],
    ['no-limit', ['max-tokens']],
    ['keeps-running', ['abort']],
    ['shared-id', ['two-streams']],
    ['mixed-streams', ['two-streams']],
  ])(
    'finds a stack with the fault "%s" by exactly the checks that are about it',
    async (sabotage, expected) => {
      const result = await smoke({ sabotage: [sabotage] });
      expect(idsOf(result, 'fail').toSorted()).toEqual(expected.toSorted());
      expect(result.verdict).toBe('fail');
      for (const check of result.checks) if (check.status === 'fail') expect(check.reason).not.toBe('');
    },
  );

  it('names the first word that a wrong load says', async () => {
    const result = await smoke({ sabotage: ['wrong-text'] });
    const check = result.checks.find((each) => each.id === 'truth-chat');
    expect(check?.reason).toBe('content, word 2: "unswer" instead of "answer"');
  });

  it('skips with a reason what this stack does not have', async () => {
    const options = {
      script: null,
      running: null,
      apiKey: null,
      features: { reasoning: false, tools: false },
    };
    const result = await smoke({ apiKey: null }, options);
    expect(idsOf(result, 'skipped').toSorted()).toEqual(
      ['abort', 'reasoning-apart', 'tool-call', 'truth-chat', 'truth-tool', 'wrong-key'].toSorted(),
    );
    for (const check of result.checks) if (check.status === 'skipped') expect(check.reason).not.toBeNull();
    expect(result.verdict).toBe('pass');
  });

  it('takes an engine without a parser: thinking inside the content', async () => {
    const features = { reasoning: false, tools: true };
    const result = await smoke({ sabotage: ['reasoning-in-content'] }, { features });
    expect(idsOf(result, 'fail')).toEqual([]);
    expect(idsOf(result, 'pass')).toContain('truth-chat');
  });

  it('reads reasoning_content of older servers', async () => {
    expect((await smoke({ reasoningField: 'reasoning_content' })).verdict).toBe('pass');
  });

  it('fails once and skips the rest when nothing answers', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const result = await smoke({}, { baseUrl: `http://127.0.0.1:${port}` });
    expect(idsOf(result, 'fail')).toEqual(['live']);
    expect(idsOf(result, 'pass')).toEqual([]);
    expect(result.checks.at(-1)?.reason).toBe('nothing answers at the address');
  });

  it('is inconclusive, never a pass, when it was interrupted', async () => {
    const result = await smoke({}, {}, AbortSignal.abort());
    expect(result).toMatchObject({
      verdict: 'inconclusive',
      isInterrupted: true,
      counts: { pass: 0, fail: 0 },
    });
  });

  it('refuses an address that is none', async () => {
    await expect(smoke({}, { baseUrl: 'localhost' })).rejects.toMatchObject({
      code: 'STEP_API_ADDRESS',
      exitCode: 64,
    });
  });
});

describe('renderSmoke', () => {
  it('gives each check a line, and a failed one its reason and evidence', async () => {
    const text = renderSmoke(await smoke({ sabotage: ['never-ready'] }));
    expect(text).toMatch(
      /^smoke: fail \(16 passed, 1 failed, 0 skipped\) in \d+\.\d s\nmock at http:\/\/127\.0\.0\.1:\d+\n/,
    );
    expect(text).toMatch(/ {2}FAIL {2}ready .*\n +GET \/health\/ready answered 503\n/);
    expect(text).toContain('  pass  live');
  });
});
