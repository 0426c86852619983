import type { Dispatcher } from 'undici';
import { type BodyRequest, createDirectTransport } from './direct.ts';
import { exchange, type ExchangeEnd } from './exchange.ts';
import { proxyOptions } from './transport.ts';

/** Where the bodies of files come from: the thin client where it can, the full one where it must. */
export interface BodySource {
  get(request: BodyRequest): Promise<ExchangeEnd>;
  destroy(): void;
}

/**
 * Direct connections read straight into one buffer, at half the CPU a byte. The full client takes over where a proxy
 * stands in between, and for a server that answers with transfer codings.
 */
export function createBodySource(
  dispatcher: Dispatcher,
  options: {
    readonly headersTimeoutMs: number;
    readonly env?: Readonly<Record<string, string | undefined>>;
  },
): BodySource {
  const viaProxy = proxyOptions(options.env ?? process.env) !== null;
  const direct = createDirectTransport(options);
  const awkward = new Set<string>();
  const inFull = (request: BodyRequest): Promise<ExchangeEnd> =>
    exchange({ ...request, method: 'GET', dispatcher });
  return {
    get: async (request) => {
      const { origin } = request.url;
      if (viaProxy || awkward.has(origin)) return inFull(request);
      const end = await direct.get(request);
      if (end.kind !== 'awkward') return end;
      awkward.add(origin);
      return inFull(request);
    },
    destroy: () => direct.destroy(),
  };
}
