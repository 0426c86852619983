import { expect, test } from 'vitest';
import { isSecretName, redact, redactArgs } from '../../src/stack/index.ts';
import { resolveWith } from './helpers.ts';

test('secrets in environment, arguments and addresses are hidden, the rest stays', async () => {
  const { stack } = await resolveWith({
    profile: 'demo',
    sets: ['serve.env.HF_TOKEN=hf_abc', 'serve.env.NCCL_DEBUG=INFO', 'model.hub=https://me:pw@hub.example'],
    extraArgs: ['--max-num-batched-tokens', '8192', '--some-secret', 'abc', '--x-password=def'],
  });
  const shown = redact(stack);
  expect(shown.serve.env).toEqual({ HF_TOKEN: '***', NCCL_DEBUG: 'INFO' });
  expect(shown.serve.extraArgs).toEqual([
    '--max-num-batched-tokens',
    '8192',
    '--some-secret',
    '***',
    '--x-password=***',
  ]);
  expect(shown.model.hub).toBe('https://***@hub.example');
});

test.each([
  ['HF_TOKEN', true],
  ['OPENAI_API_KEY', true],
  ['--max-num-batched-tokens', false],
  ['TOKENIZERS_PARALLELISM', false],
  ['NCCL_DEBUG', false],
])('%s is secret: %s', (name, secret) => {
  expect(isSecretName(name)).toBe(secret);
});

test('a switch after a secret flag without value is not taken for its value', () => {
  expect(redactArgs(['--api-key', '--port', '1'])).toEqual(['--api-key', '--port', '1']);
});
