import { cpus, platform, release, totalmem } from 'node:os';
import type { ApiClient } from '../lib/openai-client/index.ts';
import type { BenchOptions, Fingerprint } from './types.ts';

/** What a result must be compared with only when it is the same. Never holds a key: a URL's user part is left out. */
export async function takeFingerprint(
  client: ApiClient,
  options: BenchOptions,
  target: string,
  signal: AbortSignal,
): Promise<Fingerprint> {
  const [firstCpu] = cpus();
  return {
    target,
    model: options.model,
    engineVersion: await readEngineVersion(client, signal),
    stepctlVersion: options.stepctlVersion ?? null,
    node: process.version,
    machine: {
      cpu: firstCpu?.model.trim() ?? 'unknown',
      cores: cpus().length,
      memoryBytes: totalmem(),
      platform: `${platform()} ${release()}`,
    },
  };
}

/** vLLM tells its version at /version; a front door that hides the route makes it null. */
async function readEngineVersion(client: ApiClient, signal: AbortSignal): Promise<string | null> {
  try {
    const { status, json } = await client.request('GET', '/version', undefined, { timeoutMs: 5000, signal });
    const version: unknown = status === 200 ? (json as Record<string, unknown> | null)?.['version'] : null;
    return typeof version === 'string' ? version : null;
  } catch {
    return null;
  }
}
