import type { HeaderMap } from './exchange.ts';

/** The head of an answer, parsed. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: HeaderMap;
  /** Length of the body; null when it goes on until the connection ends. */
  readonly bodyBytes: number | null;
  /** The connection may carry another request after this body. */
  readonly isReusable: boolean;
}

/** A head that is not plain HTTP/1.1 with a length: `awkward` is legal and left to a full client. */
export type HeadVerdict =
  | { readonly kind: 'head'; readonly head: ResponseHead }
  | { readonly kind: 'awkward' }
  | { readonly kind: 'broken'; readonly reason: string };

const statusLine = /^HTTP\/1\.([01]) (\d{3})(?: .*)?$/;
const fieldLine = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*$/;

const broken = (reason: string): HeadVerdict => ({ kind: 'broken', reason });

function readFields(lines: readonly string[]): Record<string, string | string[]> | string {
  const fields: Record<string, string | string[]> = Object.create(null) as Record<string, string | string[]>;
  for (const line of lines) {
    const match = fieldLine.exec(line);
    if (match === null) return line;
    const name = (match[1] ?? '').toLowerCase();
    const value = match[2] ?? '';
    const before = fields[name];
    fields[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value];
  }
  return fields;
}

/**
 * Reads the head of an answer to a GET (RFC 9112), without its closing empty line. Strict where a mistake would move
 * bytes to the wrong place: one length, digits only, no folded lines. Transfer codings are left to a full client.
 */
export function readHead(text: string): HeadVerdict {
  const [first = '', ...lines] = text.split('\r\n');
  const start = statusLine.exec(first);
  if (start === null) return broken(`it begins with ${JSON.stringify(first.slice(0, 40))}`);
  // A folded line is obsolete and still legal.
  if (lines.some((line) => /^[ \t]/.test(line))) return { kind: 'awkward' };
  const fields = readFields(lines);
  if (typeof fields === 'string')
    return broken(`it has the header line ${JSON.stringify(fields.slice(0, 40))}`);
  if (fields['transfer-encoding'] !== undefined) return { kind: 'awkward' };
  const lengths = new Set([fields['content-length'] ?? []].flat());
  if (lengths.size > 1) return broken('it has two lengths');
  const [length = null] = lengths;
  if (length !== null && !/^\d{1,15}$/.test(length)) return broken(`its length is ${JSON.stringify(length)}`);
  const status = Number(start[2]);
  const isEmpty = status < 200 || status === 204 || status === 304;
  const connection = [fields['connection'] ?? []].flat().join(',').toLowerCase();
  return {
    kind: 'head',
    head: {
      status,
      headers: fields,
      bodyBytes: isEmpty ? 0 : length === null ? null : Number(length),
      isReusable: start[1] === '1' && !/\bclose\b/.test(connection),
    },
  };
}
