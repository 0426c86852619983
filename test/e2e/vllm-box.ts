import { mkdirSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
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
export async function eventually<T>(ask: () => Promise<T>, fits: (value: T) => boolean, signal: AbortSignal): Promise<T> {
  for (;;) {
    const value = await ask();
    if (fits(value)) return value;
    if (signal.aborted) throw new Error(`it never came to that; last seen: ${JSON.stringify(value)}`);
  }
}

/**
 * The engine's process and all below it whose command line begins with `title`. By parent and not by environment:
 * vLLM names its processes (`VLLM::EngineCore`) over the very memory that holds theirs.
 */
export async function engineProcesses(box: Sandbox, title = ''): Promise<number[]> {
  const id = Number((await readStatus(box)).engine?.snapshot?.engineId ?? Number.NaN);
  if (Number.isNaN(id)) return [];
  const parents = new Map<number, number>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  const isBelow = (pid: number): boolean => pid === id || (parents.has(pid) && isBelow(parents.get(pid) ?? 0));
  const found: number[] = [];
  for (const pid of parents.keys()) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (isBelow(pid) && command !== '' && command.startsWith(title)) found.push(pid);
  }
  return found;
}
