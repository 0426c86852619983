/** W3C trace context, version 00: the only client header besides the body's type that goes on to the engine. */
const traceparentGrammar = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * Headers sent to the engine, flat. A list of what is sent, not of what is stripped: a client's Authorization, Host,
 * X-Request-Id (CVE-2026-116176: server-side requests through that header), Connection and whatever it names end here.
 * Content-Length and Host are the transport's, from the re-serialised body and the endpoint.
 */
export function upstreamHeaders(requestId: string, isStream: boolean, traceparent: string | null): string[] {
  const headers = [
    'content-type',
    'application/json',
    'accept',
    isStream ? 'text/event-stream' : 'application/json',
    // Never decompress: the decoders of Node have had their own advisories (CVE-2026-111497).
    'accept-encoding',
    'identity',
    'x-request-id',
    requestId,
  ];
  if (traceparent !== null && traceparentGrammar.test(traceparent)) headers.push('traceparent', traceparent);
  return headers;
}

type Incoming = Readonly<Record<string, string | string[] | undefined>>;

const singleLine = (value: string | string[] | undefined): string | null =>
  typeof value === 'string' && value.length <= 256 ? value : null;

/** Headers of an engine's answer that reach the client, flat, with the proxy's own request id. */
export function downstreamHeaders(upstream: Incoming, requestId: string): string[] {
  const headers = ['content-type', singleLine(upstream['content-type']) ?? 'application/json'];
  const cacheControl = singleLine(upstream['cache-control']);
  if (cacheControl !== null) headers.push('cache-control', cacheControl);
  headers.push('x-request-id', requestId);
  return headers;
}

/** Headers of every stream, whatever the engine said: nginx and its like must not collect it. */
export const streamHeaders = (requestId: string): string[] => [
  'content-type',
  'text/event-stream; charset=utf-8',
  'cache-control',
  'no-cache',
  'x-accel-buffering',
  'no',
  'x-request-id',
  requestId,
];
