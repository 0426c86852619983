import type { EngineSnapshot } from '../../supervisor/types.ts';
import { isServing, waitHintMs } from '../admission/decide.ts';
import { retryAfter } from '../refusal.ts';

export interface LocalAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly headers: readonly string[];
  readonly body: string;
}

export const jsonAnswer = (status: number, value: unknown, headers: readonly string[] = []): LocalAnswer => ({
  status,
  contentType: 'application/json',
  headers: ['cache-control', 'no-store', ...headers],
  body: JSON.stringify(value),
});

/** The process answers: whoever restarts on this must not do so because an engine loads for ten minutes. */
export const answerLive = (): LocalAnswer => jsonAnswer(200, { status: 'alive' });

/** 200 while requests are forwarded. Open to everyone, so it tells the diagnosis by its id only. */
export function answerReady(snapshot: EngineSnapshot, isDraining: boolean): LocalAnswer {
  const isReady = !isDraining && isServing(snapshot.state, snapshot.endpoint !== null);
  const body = {
    status: isDraining ? 'draining' : snapshot.state,
    phase: snapshot.phase,
    phase_progress: snapshot.phaseProgress,
    ready_in_ms: snapshot.readyInMs,
    diagnosis: snapshot.diagnosis?.signature ?? null,
  };
  return isReady ? jsonAnswer(200, body) : jsonAnswer(503, body, retryAfter(waitHintMs(snapshot)));
}
