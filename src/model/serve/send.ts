import { open } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Question, ServedAnswer } from './answer.ts';

/** Reads what matters of a request; null when its address makes no sense. */
export function readQuestion(request: IncomingMessage, origin: string): Question | null {
  const target = request.url ?? '/';
  if (!target.startsWith('/') || !URL.canParse(target, origin)) return null;
  return {
    method: request.method ?? 'GET',
    url: new URL(`${origin}${target}`),
    range: request.headers.range ?? null,
  };
}

/** Sends an answer; a client that goes away ends it quietly. HEAD gets the headers only. */
export async function sendAnswer(
  answer: ServedAnswer,
  method: string,
  response: ServerResponse,
): Promise<void> {
  response.writeHead(answer.status, answer.headers);
  const { body } = answer;
  if (method === 'HEAD' || body.kind === 'none') {
    response.end();
    return;
  }
  if (body.kind === 'text') {
    response.end(body.text);
    return;
  }
  const file = await open(body.path, 'r');
  try {
    if (body.end === body.start) response.end();
    // Large reads: 64 KiB ones cost a third of the throughput.
    else
      await pipeline(
        file.createReadStream({
          start: body.start,
          end: body.end - 1,
          highWaterMark: 1 << 20,
          autoClose: false,
        }),
        response,
      );
  } catch (error) {
    response.destroy(error instanceof Error ? error : undefined);
  } finally {
    await file.close();
  }
}
