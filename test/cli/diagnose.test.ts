import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, test } from 'vitest';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const log = (file: string): string => fileURLToPath(new URL(`../fixtures/logs/${file}`, import.meta.url));

const diagnose = (args: readonly string[], input = '') =>
  execa(process.execPath, [main, 'diagnose', ...args], { input, reject: false, timeout: 60_000 });

test.each([
  ['a known failure is told, exit 6', 'amx-isa-0.16.0.txt', 6, /asks for AMX kernels.*\(amx-isa\)/],
  [
    'a log without a failure is told so, exit 0',
    'healthy--eager-0.32.0.txt',
    0,
    /nothing is wrong.*vLLM 0\.32\.0/,
  ],
])('%s', async (_title, file, code, text) => {
  const run = await diagnose([log(file)]);
  expect([run.exitCode, run.stdout]).toEqual([code, expect.stringMatching(text)]);
});

test('stdin is read for -, --json carries its schema, line and advice', async () => {
  const run = await diagnose(['-', '--json'], await readFile(log('kv-too-small-0.32.0.txt'), 'utf8'));
  expect(run.exitCode).toBe(6);
  expect(JSON.parse(run.stdout)).toMatchObject({
    schema: 'stepctl/diagnose/1',
    outcome: 'failed',
    version: '0.32.0',
    line: expect.any(Number) as number,
    diagnosis: { signature: 'kv-too-small', advice: expect.stringContaining('2097024') as string },
  });
});

test('a log that tells nothing known is inconclusive, exit 3; a file that is not there is refused', async () => {
  expect((await diagnose(['-'], 'hello\n')).exitCode).toBe(3);
  const missing = await diagnose(['/nonexistent/vllm.log']);
  expect([missing.exitCode, missing.stderr]).toEqual([2, expect.stringContaining('STEP_FILE_UNREADABLE')]);
});
