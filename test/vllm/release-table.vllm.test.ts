import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { readRelease } from '../../scripts/vllm-releases/read-release.ts';
import { prepareEnvironment } from '../../src/build/index.ts';
import { silentReporter } from '../../src/lib/index.ts';
import { releaseFacts } from '../../src/vllm/index.ts';
import { compareHelp } from '../fixtures/compare-help.ts';
import { readServeHelp } from '../fixtures/serve-help.ts';
import { stackOf } from './helpers.ts';

const dataDir = join(process.env['STEPCTL_TEST_CACHE'] ?? join(tmpdir(), 'stepctl-test-cache'), 'data');

/** The help of the installed release, on lines wide enough for its longest list of choices. */
async function askHelp(version: string): Promise<string> {
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
  const command = ['-m', 'vllm.entrypoints.cli.main', 'serve', '--help=all'];
  const { stdout } = await execa(environment.python, command, {
    env: { ...environment.env, COLUMNS: '4000', VLLM_NO_USAGE_STATS: '1' },
    timeout: 180_000,
  });
  return stdout;
}

describe.each(['0.16.0', '0.32.0'])('the committed table of vLLM %s', (version) => {
  test('is what its wheel says when it is read again', async () => {
    expect(await readRelease(version)).toEqual(releaseFacts(version));
  });

  test('has the flags, short forms, choices and defaults of the installed parser, and no other', async () => {
    const facts = releaseFacts(version);
    if (facts === null) throw new Error(`no table of ${version}`);
    const help = readServeHelp(await askHelp(version));
    expect(help.length).toBeGreaterThan(200);
    expect(compareHelp(help, facts)).toEqual([]);
  });
});
