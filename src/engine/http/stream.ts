import { createParser } from 'eventsource-parser';
import { StepError } from '../../lib/index.ts';
import type { Endpoint } from '../types.ts';
import { dispatcherFor } from './dispatcher.ts';
import { type EngineRequest, requestOptions, wrapRequestError } from './request.ts';

/**
 * A streamed request: yields the data of each server-sent event, `[DONE]` included, with back-pressure. Leaving the
 * loop early aborts the request at the engine. Throws like requestEngine; STEP_ENGINE_BAD_ANSWER on a status other than 200.
 */
export async function* streamEngine(endpoint: Endpoint, request: EngineRequest): AsyncGenerator<string> {
  const events: string[] = [];
  const parser = createParser({ onEvent: (event) => events.push(event.data) });
  try {
    const answer = await dispatcherFor(endpoint).request(requestOptions(endpoint, request));
    const decoder = new TextDecoder();
    if (answer.statusCode !== 200) {
      throw new StepError('STEP_ENGINE_BAD_ANSWER', {
        verdict: `the engine refused ${request.path} with status ${answer.statusCode}`,
        reason: (await answer.body.text()).slice(0, 500),
        details: { status: answer.statusCode },
      });
    }
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      parser.feed(decoder.decode(chunk, { stream: true }));
      yield* events.splice(0);
    }
  } catch (error) {
    throw wrapRequestError(error, endpoint, request);
  }
}
