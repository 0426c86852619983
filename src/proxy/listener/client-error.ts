import type { Socket } from 'node:net';
import { refusal, type Refusal, renderRefusal } from '../refusal.ts';

const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
};

/** What to answer when Node's own parser refused: the same shape as every other refusal. */
export function describeParserError(code: string | undefined): Refusal {
  if (code === 'HPE_HEADER_OVERFLOW')
    return refusal({
      status: 431,
      code: 'headers_too_large',
      message: 'the header block is larger than 16 KiB',
    });
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return refusal({ status: 408, code: 'request_timeout', message: 'the request did not arrive in time' });
  return refusal({
    status: 400,
    code: 'malformed_request',
    message: 'this is not a well-formed HTTP/1.1 request',
  });
}

/** Answers on the bare socket and ends it; nothing is written where another answer is on its way. */
export function answerParserError(error: NodeJS.ErrnoException, socket: Socket, isBusy: boolean): void {
  if (isBusy || !socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
  const answer = describeParserError(error.code);
  const body = renderRefusal(answer);
  const head = [
    `HTTP/1.1 ${answer.status} ${reasons[answer.status] ?? ''}`,
    'content-type: application/json',
    'x-stepctl-source: proxy',
    'connection: close',
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
