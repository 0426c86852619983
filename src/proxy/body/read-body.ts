import type { IncomingMessage } from 'node:http';
import type { ByteBudget } from '../limits/byte-budget.ts';
import { type Refusal, refusal, retryAfter } from '../refusal.ts';

const tooLarge = (limit: number): Refusal =>
  refusal({ status: 413, code: 'body_too_large', message: `the body is larger than ${limit} bytes` });
const noMemory = (): Refusal =>
  refusal({
    status: 503,
    code: 'overloaded',
    message: 'too many request bodies are held already',
    headers: retryAfter(2_000),
    shed: 'bytes',
  });

/** Refuses by the announced length, before a byte is read. */
export const checkLength = (contentLength: number | null, limitBytes: number): Refusal | null =>
  contentLength !== null && contentLength > limitBytes ? tooLarge(limitBytes) : null;

/**
 * Reads the whole body: it must be checked before anything is forwarded, and a whole body can be sent a second time.
 * Calls back once: with bytes (taken from the budget, the caller gives them back), a refusal, or null when the client
 * left. The rest of a refused body is read by Node and thrown away.
 */
export function readBody(
  request: IncomingMessage,
  limitBytes: number,
  budget: ByteBudget,
  done: (result: Buffer | Refusal | null) => void,
): void {
  const parts: Buffer[] = [];
  let size = 0;
  const finish = (result: Buffer | Refusal | null): void => {
    request.off('data', onData).off('end', onEnd).off('close', onGone);
    if (!Buffer.isBuffer(result)) {
      budget.give(size);
      request.resume();
    }
    done(result);
  };
  const onData = (chunk: Buffer): void => {
    if (size + chunk.length > limitBytes) return finish(tooLarge(limitBytes));
    if (!budget.take(chunk.length)) return finish(noMemory());
    size += chunk.length;
    parts.push(chunk);
  };
  const onEnd = (): void =>
    finish(parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts, size));
  const onGone = (): void => finish(null);
  request.on('data', onData).on('end', onEnd).on('close', onGone);
}
