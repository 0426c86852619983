import { ApiError } from '../../lib/openai-client/index.ts';
import type { RequestError } from '../types.ts';
import { fieldsToDrop } from '../workload/body.ts';
import { type RunContext, sendOne, warmUpBase } from './context.ts';

/** Short prompts of two lengths: enough to learn characters per token, short enough for any context length. */
const probeChars = [64, 256];
const probeOutputTokens = 2;

/**
 * Learns what the server accepts before anything is measured: sends a tiny request with every field, leaves out what a
 * 400 or 422 refuses, and learns from the usage how long prompts must be.
 * @throws ApiError when the server does not answer a plain request.
 */
export async function probeServer(context: RunContext): Promise<void> {
  context.reporter.stage('probe', 'which request fields the server accepts, characters per token');
  for (const [position, chars] of probeChars.entries()) {
    let index = warmUpBase + position * 100;
    for (;;) {
      const { record, chars: sent } = await sendOne(context, {
        index,
        outputTokens: probeOutputTokens,
        chars,
      });
      if (context.signal.aborted) return;
      if (record.error === null) {
        if (record.promptTokens !== null) context.sizer.observe(sent, record.promptTokens);
        break;
      }
      if (!dropRefused(context, record.error)) throw toApiError(record.error);
      index += 1;
    }
  }
}

function dropRefused(context: RunContext, error: RequestError): boolean {
  if (error.status !== 400 && error.status !== 422) return false;
  const dropped = fieldsToDrop(`${error.message} ${error.body ?? ''}`, context.fields);
  for (const field of dropped) {
    context.fields.delete(field);
    context.refused.push({ field, status: error.status, message: error.message });
  }
  return dropped.length > 0;
}

function toApiError(error: RequestError): ApiError {
  const { kind, ...rest } = error;
  const isStreamFault = kind === 'in-stream' || kind === 'truncated' || kind === 'empty';
  return new ApiError('the first request of bench', { ...rest, kind: isStreamFault ? 'broken' : kind });
}
