import { createProxy, type KeyStore, openKeyStore } from '../../proxy/index.ts';
import { StepError } from '../../lib/index.ts';
import type { Stack } from '../../stack/schema.ts';
import type { EngineView } from '../../supervisor/types.ts';
import type { Context } from '../context.ts';
import { keyFile } from '../key-file.ts';
import { openAccessLog } from './access-log.ts';
import type { LocalKey } from './local-key.ts';

export interface FrontDoor {
  readonly url: string;
  counts(): { inFlight: number; queued: number };
  drain(ms: number, hurry: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** `[::1]:8000` and `127.0.0.1:8000` as host and port. */
export function splitListen(listen: string): { host: string; port: number } {
  const colon = listen.lastIndexOf(':');
  const port = Number(listen.slice(colon + 1));
  if (colon > 0 && Number.isInteger(port) && port <= 65_535)
    return { host: listen.slice(0, colon).replaceAll(/[[\]]/g, ''), port };
  throw new StepError('STEP_USAGE', {
    verdict: `"${listen}" is no address to listen on`,
    next: '--listen 127.0.0.1:8000',
  });
}

/** Opens the proxy in front of the engine, before the engine is there: what comes early waits. */
export async function openFrontDoor(input: {
  readonly context: Context;
  readonly stack: Stack;
  readonly view: EngineView;
  readonly localKey: LocalKey;
  /** The access log of this instance. */
  readonly logFile: string;
}): Promise<FrontDoor> {
  const { stack, context } = input;
  const keys: KeyStore | null = stack.proxy.auth === 'keys' ? openKeyStore(keyFile(context.env)) : null;
  const log = await openAccessLog(input.logFile);
  const proxy = createProxy({
    view: input.view,
    servedName: stack.serve.name,
    keys,
    localKey: input.localKey,
    listen: splitListen(stack.proxy.listen),
    policy: stack.proxy,
    maxModelLen: stack.serve.maxModelLen === 'auto' ? null : stack.serve.maxModelLen,
    onAccess: log.write,
  });
  const address = await proxy.start().catch(async (error: unknown) => {
    await log.close();
    throw error;
  });
  return {
    url: `http://${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`,
    counts: () => {
      const { inFlight, queued } = proxy.stats();
      return { inFlight, queued };
    },
    drain: async (ms, hurry) => {
      await proxy.drain(ms, hurry);
    },
    close: async () => {
      await proxy.close();
      await log.close();
    },
  };
}
