import type { ByteRange } from './ranges.ts';

/** What an answer to a range request is; only `part` and `whole` have a body that may be used. */
export type RangeVerdict =
  | { readonly kind: 'part' }
  /** 200: the range was ignored; the body starts at byte 0. */
  | { readonly kind: 'whole' }
  | { readonly kind: 'broken'; readonly reason: string };

export interface RangeAnswer {
  readonly status: number;
  readonly contentRange: string | null;
  readonly contentLength: string | null;
  readonly contentEncoding: string | null;
}

/**
 * Judges a 2xx answer to `Range: bytes=start-(end-1)` of a file of `size` bytes. Everything must agree: a body that is
 * appended at the wrong place is the silent corruption of huggingface_hub #3778.
 */
export function judgeRange(answer: RangeAnswer, asked: ByteRange, size: number): RangeVerdict {
  const encoding = answer.contentEncoding?.toLowerCase() ?? 'identity';
  if (encoding !== 'identity')
    return { kind: 'broken', reason: `the body is encoded as ${encoding}, identity was asked` };
  const length = answer.contentLength === null ? null : Number(answer.contentLength);
  if (answer.status === 200) {
    if (length !== null && length !== size)
      return { kind: 'broken', reason: `200 with ${length} bytes for a file of ${size} bytes` };
    return { kind: 'whole' };
  }
  if (answer.status !== 206) return { kind: 'broken', reason: `HTTP ${answer.status} to a range request` };
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(answer.contentRange?.trim() ?? '');
  if (match === null)
    return { kind: 'broken', reason: `206 with Content-Range ${answer.contentRange ?? '(none)'}` };
  const [start, last, total] = match.slice(1).map(Number);
  if (start !== asked.start || last !== asked.end - 1 || total !== size)
    return {
      kind: 'broken',
      reason: `asked for bytes ${asked.start}-${asked.end - 1}/${size}, got ${match[0].slice(6)}`,
    };
  if (length !== null && length !== asked.end - asked.start)
    return { kind: 'broken', reason: `206 with ${length} bytes for a range of ${asked.end - asked.start}` };
  return { kind: 'part' };
}
