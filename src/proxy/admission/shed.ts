import type { EngineSnapshot } from '../../supervisor/types.ts';
import { type Refusal, refusal, retryAfter, type ShedReason } from '../refusal.ts';
import { isServing, waitHintMs } from './decide.ts';

const describeState = ({ state, phase }: EngineSnapshot): string =>
  phase === null ? state : `${state}, phase ${phase}`;

/** The answer to a request that is not taken: 429 while the engine serves (come slower), 503 while it does not. */
export function shedRefusal(reason: ShedReason, snapshot: EngineSnapshot): Refusal {
  const headers = retryAfter(waitHintMs(snapshot));
  const state = describeState(snapshot);
  const base = { shed: reason, headers, details: { engine_state: snapshot.state } };
  if (reason === 'engine_unavailable') return unavailable(snapshot);
  if (reason === 'draining') {
    return refusal({
      ...base,
      status: 503,
      code: 'draining',
      message: 'this proxy is stopping',
      headers: retryAfter(5_000),
    });
  }
  if (reason === 'eta' || reason === 'deadline') {
    const why =
      reason === 'eta'
        ? 'it would not be ready within the time a request may wait'
        : 'the request waited as long as one may';
    return refusal({
      ...base,
      status: 503,
      code: 'engine_starting',
      message: `the engine is not ready (${state}): ${why}`,
    });
  }
  if (isServing(snapshot.state, snapshot.endpoint !== null)) {
    return refusal({
      ...base,
      status: 429,
      code: 'queue_full',
      message: 'too many requests are waiting',
      headers: retryAfter(2_000),
    });
  }
  return refusal({
    ...base,
    status: 503,
    code: 'queue_full',
    message: `too many requests wait for the engine (${state})`,
  });
}

/** Given up: no start will come by itself. The signature is shown, the log lines are not: this goes to anyone with a key. */
function unavailable({ diagnosis }: EngineSnapshot): Refusal {
  const signature = diagnosis?.signature ?? 'unknown';
  return refusal({
    status: 503,
    code: 'engine_unavailable',
    message: `the engine was given up: ${signature}; whoever runs it finds the reason with: stepctl status`,
    headers: retryAfter(300_000),
    shed: 'engine_unavailable',
    details: { diagnosis: signature },
  });
}

/** The engine died under a request of which the client has seen nothing, and it is not sent again. */
export const lostRefusal = (snapshot: EngineSnapshot): Refusal =>
  refusal({
    status: 503,
    code: 'engine_lost',
    message: 'the engine ended while it worked on this request',
    headers: retryAfter(waitHintMs(snapshot)),
    details: { engine_state: snapshot.state },
  });
