/** An answer of the carried hub, before it is sent. */
export interface ServedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ServedBody;
}

export type ServedBody =
  | { readonly kind: 'none' }
  | { readonly kind: 'text'; readonly text: string }
  /** Bytes [start, end) of a file. */
  | { readonly kind: 'file'; readonly path: string; readonly start: number; readonly end: number };

export interface Question {
  readonly method: string;
  readonly url: URL;
  readonly range: string | null;
}

export const jsonAnswer = (value: unknown, headers: Record<string, string> = {}): ServedAnswer => {
  const text = JSON.stringify(value);
  const length = String(Buffer.byteLength(text));
  return {
    status: 200,
    headers: { 'content-type': 'application/json; charset=utf-8', 'content-length': length, ...headers },
    body: { kind: 'text', text },
  };
};

/** A refusal the way the hub words it: code and message in headers, message in the body. */
export const refusalAnswer = (status: number, code: string | null, message: string): ServedAnswer => {
  const answer = jsonAnswer({ error: message });
  const named = code === null ? {} : { 'x-error-code': code };
  return { ...answer, status, headers: { ...answer.headers, ...named, 'x-error-message': message } };
};

export const redirectAnswer = (
  status: 302 | 307,
  location: string,
  headers: Record<string, string>,
): ServedAnswer => ({
  status,
  headers: { location, 'content-length': '0', ...headers },
  body: { kind: 'none' },
});

/** The bytes a Range header asks for; null for no (or no usable) range, `'unsatisfiable'` for one beyond the end. */
export function parseRange(
  header: string | null,
  size: number,
): { start: number; end: number } | 'unsatisfiable' | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return null;
  if (match[1] === '') return { start: Math.max(0, size - Number(match[2])), end: size };
  const start = Number(match[1]);
  const end = match[2] === '' ? size : Math.min(size, Number(match[2]) + 1);
  return start >= size || end <= start ? 'unsatisfiable' : { start, end };
}

/** A file, whole or in part. */
export function fileAnswer(path: string, size: number, etag: string, range: string | null): ServedAnswer {
  const part = parseRange(range, size);
  const common = { 'accept-ranges': 'bytes', etag: `"${etag}"`, 'content-type': 'application/octet-stream' };
  if (part === 'unsatisfiable')
    return {
      status: 416,
      headers: { ...common, 'content-range': `bytes */${size}`, 'content-length': '0' },
      body: { kind: 'none' },
    };
  const { start, end } = part ?? { start: 0, end: size };
  const headers = { ...common, 'content-length': String(end - start) };
  const body = { kind: 'file', path, start, end } as const;
  if (part === null) return { status: 200, headers, body };
  return { status: 206, headers: { ...headers, 'content-range': `bytes ${start}-${end - 1}/${size}` }, body };
}
