import { requestHeaders } from '../hub/client.ts';
import { type BodySink, type ExchangeEnd, headerOf, type HeaderMap } from '../hub/exchange.ts';
import type { FileLink } from '../hub/resolve.ts';
import { judgeRange, type RangeVerdict } from './content-range.ts';
import type { FetchContext } from './context.ts';
import type { FileTask } from './file-task.ts';
import type { PartWriter } from './part-writer.ts';
import type { ByteRange } from './ranges.ts';
import { watchStall } from './stall-watch.ts';

/** Why one request for the rest of a part ended before the part was whole. */
export type Setback =
  | { readonly kind: 'link'; readonly end: Extract<ExchangeEnd, { kind: 'refused' }> }
  | { readonly kind: 'redirect'; readonly to: URL }
  | { readonly kind: 'ignored-range' }
  | { readonly kind: 'status'; readonly end: Extract<ExchangeEnd, { kind: 'refused' }> }
  | { readonly kind: 'broken'; readonly reason: string }
  | { readonly kind: 'lost'; readonly error: Error };

/** One request for [position, end) of the part; null when it came whole. */
export async function requestRest(
  context: FetchContext,
  task: FileTask,
  part: ByteRange,
  writer: PartWriter,
  link: FileLink,
  cut: AbortSignal,
): Promise<Setback | null> {
  const asked = { start: writer.position(), end: part.end };
  const stop = new AbortController();
  // A whole body is only welcome where nobody else reads the same file.
  const mayBeWhole =
    (task.isWhole && task.activeParts === 1) || (asked.start === 0 && asked.end === task.file.sizeBytes);
  let setback: Setback | null = null;
  const giveUp = (reason: Setback): null => {
    setback = reason;
    stop.abort(); // what still comes is worth nothing and may be a whole shard
    return null;
  };
  const accept = (status: number, headers: HeaderMap, resume: () => void): BodySink | null => {
    if (status < 200 || status >= 300) return null;
    const body = judgeBody(status, headers, asked, task.file.sizeBytes);
    if (body.kind === 'broken') return giveUp(body);
    if (body.kind === 'whole' && !mayBeWhole) return giveUp({ kind: 'ignored-range' });
    const skip = body.kind === 'whole' ? asked.start : 0;
    return sinkInto(context, writer, { skip, end: part.end }, resume, () => stop.abort());
  };
  const { stallBytesPerSecond, stallWindowMs } = context.tuning;
  const watch = watchStall({
    bytes: writer.position,
    isPaused: writer.isPaused,
    bytesPerSecond: stallBytesPerSecond,
    windowMs: stallWindowMs,
    nowMs: () => context.client.clock.monotonicMs(),
    onStall: () =>
      giveUp({
        kind: 'lost',
        error: new Error(`under ${stallBytesPerSecond} bytes/s for ${stallWindowMs} ms`),
      }),
  });
  try {
    const end = await context.client.bodies.get({
      url: link.url,
      headers: {
        ...requestHeaders(context.client, link.isHub),
        range: `bytes=${asked.start}-${asked.end - 1}`,
      },
      signal: AbortSignal.any([context.signal, cut, stop.signal]),
      accept,
    });
    return writer.position() >= part.end ? null : (setback ?? judgeEnd(end, link, task.file.sizeBytes));
  } finally {
    watch.stop();
  }
}

const judgeBody = (status: number, headers: HeaderMap, asked: ByteRange, sizeBytes: number): RangeVerdict =>
  judgeRange(
    {
      status,
      contentRange: headerOf(headers, 'content-range'),
      contentLength: headerOf(headers, 'content-length'),
      contentEncoding: headerOf(headers, 'content-encoding'),
    },
    asked,
    sizeBytes,
  );

function sinkInto(
  context: FetchContext,
  writer: PartWriter,
  body: { skip: number; end: number },
  resume: () => void,
  stop: () => void,
): BodySink {
  let skip = body.skip;
  return {
    push: (chunk) => {
      const from = Math.min(skip, chunk.length);
      skip -= from;
      const room = body.end - writer.position();
      const useful = chunk.subarray(from, Math.min(chunk.length, from + room));
      context.meter.add(useful.length);
      const isReady = useful.length === 0 || writer.push(useful);
      if (chunk.length - from > room) stop();
      if (!isReady) writer.onceReady(resume);
      return isReady;
    },
  };
}

/** What an exchange that did not bring the whole part calls for. */
function judgeEnd(end: ExchangeEnd, link: FileLink, sizeBytes: number): Setback {
  if (end.kind === 'complete') return { kind: 'lost', error: new Error('the body ended early') };
  if (end.kind === 'failed') return { kind: 'lost', error: end.error };
  const location = headerOf(end.headers, 'location');
  if (end.status >= 300 && end.status < 400 && location !== null && URL.canParse(location, link.url.href))
    return { kind: 'redirect', to: new URL(location, link.url) };
  if ([401, 403, 404, 410].includes(end.status)) return { kind: 'link', end };
  if (end.status === 416)
    return {
      kind: 'broken',
      reason: `416: the file server's copy is shorter than the ${sizeBytes} bytes in the list`,
    };
  return { kind: 'status', end };
}
