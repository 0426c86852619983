import { isUtf8 } from 'node:buffer';
import { badRequest, type Refusal } from '../refusal.ts';

interface RawJson {
  rawJSON(text: string): unknown;
}
type Reviver = (
  this: unknown,
  name: string,
  value: unknown,
  context: { readonly source?: string },
) => unknown;

/** Integers beyond 2^53 (an int64 maximum in a tool's schema) keep their digits: parsed as a number they would change. */
const keepDigits: Reviver = (_name, value, { source }) => {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || source === undefined) return value;
  return /^-?\d+$/.test(source) ? (JSON as unknown as RawJson).rawJSON(source) : value;
};

/** The body's bytes as JSON, each name once (the last one counts, and only that is forwarded). */
export function parseJson(bytes: Buffer): { readonly value: unknown } | Refusal {
  if (!isUtf8(bytes)) return badRequest('the body is not UTF-8', null, 'invalid_json');
  const source = bytes.toString('utf8');
  try {
    const isPlain = !/\d{16}/.test(source);
    const value: unknown = isPlain
      ? JSON.parse(source)
      : JSON.parse(source, keepDigits as (name: string, value: unknown) => unknown);
    return { value };
  } catch (error) {
    return badRequest(`the body is not JSON: ${describeSyntax(error)}`, null, 'invalid_json');
  }
}

/** The parser's words without the piece of the body that it quotes. */
const describeSyntax = (error: unknown): string =>
  (error instanceof Error ? error.message : '')
    .replace(/,? ?"[^]*$/, '')
    .replace(/Unexpected token .*$/, 'unexpected character') || 'syntax error';

/** True when text holds half of a surrogate pair: JSON.stringify writes it as an escape, Python then fails on it. */
export const hasLoneSurrogate = (json: string): boolean =>
  json.includes('\\ud') && /(?<!\\)(?:\\\\)*\\ud[89a-f][0-9a-f]{2}/.test(json);
