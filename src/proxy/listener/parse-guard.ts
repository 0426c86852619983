import { badRequest, type Refusal, refusal } from '../refusal.ts';
import { isHostHeader } from './host.ts';

/** Lines above this are refused; Node itself cuts `req.headers` at 1,000 and `rawHeaders` at 1,023 without a word. */
const maxHeaderLines = 64;

/** What the stages after the guard need of a request's head; nothing else of it is looked at again. */
export interface RequestHead {
  readonly method: string;
  readonly target: string;
  readonly host: string;
  readonly authorization: string | null;
  readonly contentType: string | null;
  /** null: chunked, or none. */
  readonly contentLength: number | null;
  readonly hasBody: boolean;
  readonly traceparent: string | null;
}

export interface RawRequest {
  readonly method: string;
  readonly url: string;
  readonly httpVersion: string;
  readonly rawHeaders: readonly string[];
}

const malformed = (message: string, status = 400): Refusal =>
  refusal({ status, code: 'malformed_request', message, closes: true });

/** Characters of an origin-form target that an exact table can hold: no escapes, no backslash, no fragment, no `//`. */
const plainTarget = /^\/(?!\/)[!$&'()*+,\-.0-9:;=?@A-Z_a-z~/]*$/;

interface Collected {
  host: string | null;
  authorization: string | null;
  contentType: string | null;
  contentLength: string | null;
  transferEncoding: string | null;
  traceparent: string | null;
}

/** The headers that may come once, by name; a second one is refused since readers differ in which they take. */
const single: Readonly<Record<string, keyof Collected>> = {
  host: 'host',
  authorization: 'authorization',
  'content-type': 'contentType',
  'content-length': 'contentLength',
  'transfer-encoding': 'transferEncoding',
  traceparent: 'traceparent',
};
const singleLengths = new Set(Object.keys(single).map((name) => name.length));

function collect(raw: readonly string[]): Collected | Refusal {
  const found: Collected = {
    host: null,
    authorization: null,
    contentType: null,
    contentLength: null,
    transferEncoding: null,
    traceparent: null,
  };
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] ?? '';
    if (!singleLengths.has(name.length)) continue;
    const field = single[name.toLowerCase()];
    if (field === undefined) continue;
    if (found[field] !== null) return malformed(`more than one ${name.toLowerCase()} header`);
    found[field] = raw[at + 1] ?? '';
  }
  return found;
}

/**
 * First stage: refuses what Node's parser lets through but another HTTP reader may understand differently (two Host or
 * Authorization headers, odd transfer codings, targets in other forms, bodies on GET). Pure.
 */
export function guardRequest(request: RawRequest): RequestHead | Refusal {
  const { method, url, httpVersion, rawHeaders } = request;
  if (rawHeaders.length > maxHeaderLines * 2) {
    return refusal({
      status: 431,
      code: 'too_many_headers',
      message: `more than ${maxHeaderLines} header lines`,
      closes: true,
    });
  }
  if (httpVersion !== '1.1' && httpVersion !== '1.0')
    return malformed(`HTTP/${httpVersion} is not served here`, 505);
  if (!plainTarget.test(url)) return malformed('the request target must be a plain path such as /v1/models');
  const found = collect(rawHeaders);
  if ('status' in found) return found;
  const { host, transferEncoding, contentLength } = found;
  if (host === null || !isHostHeader(host))
    return malformed('the Host header must be a name or address with an optional port');
  if (transferEncoding !== null) {
    if (httpVersion === '1.0') return malformed('Transfer-Encoding in an HTTP/1.0 request');
    if (transferEncoding.toLowerCase() !== 'chunked')
      return malformed('the only transfer coding accepted is chunked', 501);
    if (contentLength !== null) return malformed('both Content-Length and Transfer-Encoding');
  }
  if (contentLength !== null && !/^\d{1,15}$/.test(contentLength))
    return malformed('Content-Length is not a number');
  const length = contentLength === null ? null : Number(contentLength);
  const hasBody = transferEncoding !== null || (length !== null && length > 0);
  if (hasBody && (method === 'GET' || method === 'HEAD')) return malformed(`a ${method} request with a body`);
  return {
    method,
    target: url,
    host,
    authorization: found.authorization,
    contentType: found.contentType,
    contentLength: length,
    hasBody,
    traceparent: found.traceparent,
  };
}

/** The body must say that it is JSON: a page in a browser cannot send that across origins without asking first. */
export function guardContentType(head: RequestHead): Refusal | null {
  const type = head.contentType?.split(';', 1)[0]?.trim().toLowerCase();
  if (type === 'application/json') return null;
  return {
    ...badRequest('send the body with Content-Type: application/json', null, 'unsupported_media_type'),
    status: 415,
  };
}
