import { streamHeaders } from './headers.ts';
import type { Exchange } from './exchange.ts';
import { type Refusal, renderRefusal } from './refusal.ts';

/** Sends a whole answer. `headers` is flat. */
export function sendAnswer(
  exchange: Exchange,
  status: number,
  headers: string[],
  body: Buffer | string,
): void {
  const { response } = exchange;
  exchange.status = status;
  exchange.isCommitted = true;
  const size = Buffer.byteLength(body);
  exchange.bytesOut += size;
  headers.push('content-length', String(size));
  response.writeHead(status, headers);
  response.end(body);
}

/** Sends the proxy's own error, marked as such so that nobody looks for it in the engine. */
export function sendRefusal(exchange: Exchange, refusal: Refusal): void {
  const headers = [
    'content-type',
    'application/json',
    'x-request-id',
    exchange.id,
    'x-stepctl-source',
    'proxy',
    ...refusal.headers,
  ];
  if (refusal.closes) headers.push('connection', 'close');
  sendAnswer(exchange, refusal.status, headers, renderRefusal(refusal));
}

/** Answers 200 to a stream before there is anything of it. */
export function commitStream(exchange: Exchange, isClosing: boolean): void {
  if (exchange.isCommitted) return;
  exchange.status = 200;
  exchange.isCommitted = true;
  const headers = streamHeaders(exchange.id);
  if (isClosing) headers.push('connection', 'close');
  exchange.response.writeHead(200, headers);
}

/** Writes bytes of a stream; false when the client does not keep up. */
export function writeStream(exchange: Exchange, bytes: Buffer | string, nowMs: number): boolean {
  exchange.bytesOut += bytes.length;
  exchange.lastWriteAtMs = nowMs;
  return exchange.response.write(bytes);
}

/**
 * Ends a stream that has begun and cannot be finished: an error event (null: one is out already), then the connection is
 * destroyed. Never a clean end and never a [DONE]: a client that reads neither events nor ends would take half an answer for a whole one.
 */
export function breakStream(exchange: Exchange, errorJson: string | null): void {
  const { response } = exchange;
  const destroy = (): void => void response.destroy();
  if (!exchange.isAtBoundary || response.destroyed) return destroy();
  // Without an event of its own: a comment, whose callback tells that what was written before it is out.
  const event = errorJson === null ? ':\n\n' : `data: ${errorJson}\n\n`;
  exchange.bytesOut += event.length;
  // Destroyed once the event is with the kernel; a client that does not read is cut off by the sweep.
  response.write(event, destroy);
}
