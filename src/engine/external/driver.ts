import { z } from 'zod';
import { StepError, systemClock } from '../../lib/index.ts';
import { closeDispatcher } from '../http/dispatcher.ts';
import { parseAnswer, requestEngine } from '../http/request.ts';
import type { Endpoint, EngineDriver, EngineSpec, LogLine, Running } from '../types.ts';

const lookMs = 5_000;
const versionSchema = z.object({ version: z.string() });

/** Endpoint of `http://HOST:PORT`. Throws STEP_ENGINE_EXTERNAL_URL; https and paths are not what an engine listens with. */
export function parseExternalUrl(text: string | null): Endpoint {
  const url = text === null ? null : URL.parse(text);
  if (url === null || url.protocol !== 'http:' || (url.pathname !== '/' && url.pathname !== '')) {
    throw new StepError('STEP_ENGINE_EXTERNAL_URL', {
      verdict: `engine.url ${text === null ? 'is missing' : `"${text}" is no address of an engine`}`,
      reason: 'expected http://HOST:PORT without a path',
      next: 'stepctl up --engine external --set engine.url=http://127.0.0.1:8001',
    });
  }
  return { kind: 'tcp', host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 80) };
}

/** Looks whether a vLLM answers there: /version and /v1/models. Throws STEP_ENGINE_UNREACHABLE or STEP_ENGINE_BAD_ANSWER. */
async function look(endpoint: Endpoint): Promise<string> {
  const version = await requestEngine(endpoint, { path: '/version', timeoutMs: lookMs });
  const parsed = versionSchema.safeParse(version.status === 200 ? parseAnswer(version, '/version') : null);
  const models = await requestEngine(endpoint, { path: '/v1/models', timeoutMs: lookMs });
  if (parsed.success && models.status === 200) return parsed.data.version;
  throw new StepError('STEP_ENGINE_BAD_ANSWER', {
    verdict: 'what answers at engine.url is no vLLM that stepctl can use',
    reason: `/version answered ${version.status}, /v1/models answered ${models.status}`,
    next: 'check engine.url; an engine with an API key of its own cannot be put behind the proxy',
  });
}

async function* sayOnce(text: string): AsyncGenerator<LogLine> {
  yield { at: systemClock.now(), stream: 'stdout', text };
}

async function attach(spec: EngineSpec): Promise<Running> {
  const endpoint = parseExternalUrl(spec.externalUrl);
  const version = await look(endpoint);
  return {
    id: spec.externalUrl ?? '',
    endpoint,
    logs: sayOnce(
      `[stepctl: attached to vLLM ${version} at ${spec.externalUrl}; its log stays with whoever runs it]`,
    ),
    // Its end is not seen from here: the supervisor's health checks notice the lost connection.
    exited: new Promise(() => {}),
    signal: async () => {},
    destroy: () => closeDispatcher(endpoint),
  };
}

/** Uses an engine that somebody else runs: attaches to it, never starts, signals or ends it. */
export function createExternalDriver(): EngineDriver {
  return {
    name: 'external',
    check: async (spec) => void parseExternalUrl(spec.externalUrl),
    start: attach,
    leftovers: async () => [],
    remove: async () => [],
  };
}
