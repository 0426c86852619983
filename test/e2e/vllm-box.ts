import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCheckpointScript, type Script } from '../../src/lib/index.ts';
import { requestEngine } from '../../src/engine/index.ts';
import type { StatusReport } from '../../src/control/index.ts';
import type { Sandbox } from './stepctl.ts';

/** Environments, models and wheels that several test files share; made once a run, or once a machine. */
export const testCache = process.env['STEPCTL_TEST_CACHE'] ?? join(tmpdir(), 'stepctl-test-cache');
export const sharedData = join(testCache, 'data');
mkdirSync(sharedData, { recursive: true });

export async function readStatus(box: Sandbox): Promise<StatusReport> {
  return JSON.parse((await box.run('status', '--json')).stdout) as StatusReport;
}

/** The known truth of the checkpoint that is being served. */
export async function truthOf(box: Sandbox, name: Script['name']): Promise<Script> {
  const { model } = await readStatus(box);
  const script = (await readCheckpointScript(model.path ?? ''))?.scripts.find((one) => one.name === name);
  if (script === undefined) throw new Error(`no script ${name} beside ${model.path ?? 'nothing'}`);
  return script;
}

/** A value of the engine's own /metrics, past the proxy. */
export async function engineMetric(box: Sandbox, name: string): Promise<number> {
  const endpoint = (await readStatus(box)).engine.snapshot?.endpoint;
  if (endpoint === undefined || endpoint === null) throw new Error('the engine has no endpoint');
  const page = await requestEngine(endpoint, { path: '/metrics', timeoutMs: 10_000 });
  const line = page.text.split('\n').find((one) => one.startsWith(`${name}{`));
  if (line === undefined) throw new Error(`no ${name} in the engine's metrics`);
  return Number(line.slice(line.lastIndexOf(' ') + 1));
}

/** Asks again until the answer fits; the deadline is the test's own. */
export async function eventually<T>(
  ask: () => Promise<T>,
  fits: (value: T) => boolean,
  signal: AbortSignal,
): Promise<T> {
  for (;;) {
    const value = await ask();
    if (fits(value)) return value;
    if (signal.aborted) throw new Error(`it never came to that; last seen: ${JSON.stringify(value)}`);
  }
}
