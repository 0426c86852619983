import { join } from 'node:path';
import { closeDispatcher, type Running } from '../engine/index.ts';
import { toStepError } from '../lib/index.ts';
import { type Attempt, startAttempt } from './attempt.ts';
import { diagnoseError } from './launch-diagnosis.ts';
import type { Effect, SupervisorEvent } from './machine/types.ts';
import type { SupervisorOptions, SupervisorRecord } from './options.ts';
import { type LineFile, openLineFile } from './record/line-file.ts';
import {
  openStartHistory,
  percentile90,
  startKey,
  type StartHistory,
  type StartTimes,
} from './record/start-history.ts';
import { awaitReadiness, lookAtHealth } from './watch.ts';

const journalBytes = 8 * 1024 * 1024;
/** Looks at /health without any answer that are taken for a sick engine. */
const maxSilentLooks = 6;

/** Work on the engine of one incarnation. */
interface Current {
  readonly incarnation: number;
  readonly attempt: Attempt;
  silentLooks: number;
  isLooking: boolean;
}

/**
 * A terminated vLLM kills its core at once and then waits for open connections without sending them another byte (0.16.0
 * and 0.32.0), so own connections are cut first: their streams fail now rather than hang until the SIGKILL.
 */
async function signalEngine(attempt: Attempt, name: 'SIGTERM' | 'SIGABRT' | 'SIGKILL'): Promise<void> {
  const running = await attempt.launched;
  if (running === null) return;
  if (name === 'SIGTERM') await closeDispatcher(running.endpoint);
  await running.signal(name);
}

/** Carries out what the machine decides; what comes of it arrives as an event. Holds the engine, decides nothing. */
export class EffectRunner {
  readonly #options: SupervisorOptions;
  readonly #post: (event: SupervisorEvent) => void;
  readonly #journal: LineFile;
  readonly #historyOpened: Promise<StartHistory>;
  #history: StartHistory | null = null;
  #current: Current | null = null;
  #timer = new AbortController();

  constructor(options: SupervisorOptions, post: (event: SupervisorEvent) => void) {
    const { stateDir } = options.spec;
    this.#options = options;
    this.#post = post;
    this.#journal = openLineFile(join(stateDir, 'events.jsonl'), journalBytes);
    this.#historyOpened = openStartHistory(join(stateDir, 'starts.json'), startKey(options.spec));
    void this.#historyOpened.then((history) => {
      this.#history = history;
    });
  }

  /** Begins an effect. Never throws. */
  run(effect: Effect): void {
    switch (effect.type) {
      case 'schedule':
        return this.#schedule(effect.token, effect.afterMs);
      case 'unschedule':
        return this.#timer.abort();
      case 'record':
        return this.#record(effect.kind, effect.data);
      case 'start':
        return this.#start(effect.incarnation);
      case 'quiesce':
        return this.#ofIncarnation(effect.incarnation)?.attempt.work.abort();
      case 'signal':
        return this.#begin(effect, ({ attempt }) => signalEngine(attempt, effect.signal));
      case 'probe':
        return this.#begin(effect, (current) => this.#probe(current));
      case 'check-health':
        return this.#begin(effect, (current) => this.#checkHealth(current));
      case 'drain':
        return this.#begin(effect, (current) => this.#drain(current));
      case 'destroy':
        return this.#begin(effect, (current) => this.#destroy(current));
    }
  }

  markReady(times: Omit<StartTimes, 'key'>): void {
    this.#current?.attempt.markReady();
    // A failed write costs a better estimate, nothing else.
    void this.#historyOpened.then((history) => history.add(times)).catch(() => {});
  }

  /** Times of earlier starts of the same engine. */
  starts(): readonly StartTimes[] {
    return this.#history?.starts() ?? [];
  }

  /** Ends timers, work and files; the engine itself has been removed before. */
  async close(): Promise<void> {
    this.#timer.abort();
    this.#current?.attempt.work.abort();
    await this.#journal.close();
  }

  #at(): number {
    return this.#options.clock.monotonicMs();
  }

  #ofIncarnation(incarnation: number): Current | null {
    return this.#current?.incarnation === incarnation ? this.#current : null;
  }

  #record(kind: string, data: Readonly<Record<string, unknown>>): void {
    const line: SupervisorRecord = { at: this.#options.clock.now(), kind, ...data };
    void this.#journal.write(JSON.stringify(line));
    try {
      this.#options.onEvent?.(line);
    } catch (error) {
      void this.#journal.write(
        JSON.stringify({ at: line.at, kind: 'listener-failed', error: String(error) }),
      );
    }
  }

  /** What a restart decision needs from outside. */
  #failureFacts(): { readonly draw: number; readonly usualLoadMs: number | null } {
    const draw = (this.#options.jitter ?? Math.random)();
    return { draw, usualLoadMs: percentile90(this.starts().map(({ totalMs }) => totalMs)) };
  }

  /** Work that fails is told in the journal; an aborted one has done what it should. */
  #begin(effect: Effect & { incarnation: number }, work: (current: Current) => Promise<void>): void {
    const current = this.#ofIncarnation(effect.incarnation);
    if (current === null) return;
    work(current).catch((error: unknown) => {
      if (current.attempt.work.signal.aborted) return;
      this.#record('effect-failed', { effect: effect.type, error: toStepError(error).toJSON() });
    });
  }

  #schedule(token: number, afterMs: number): void {
    this.#timer.abort();
    this.#timer = new AbortController();
    this.#options.clock.sleep(afterMs, this.#timer.signal).then(
      () => this.#post({ type: 'timer', at: this.#at(), token }),
      () => {},
    );
  }

  #start(incarnation: number): void {
    this.#options.proof?.begin();
    const attempt = startAttempt(this.#options, {
      onLaunched: ({ id, endpoint }: Running) =>
        this.#post({ type: 'launched', at: this.#at(), incarnation, engine: { engineId: id, endpoint } }),
      onLaunchFailed: (diagnosis) =>
        this.#post({
          type: 'launch-failed',
          at: this.#at(),
          incarnation,
          diagnosis,
          ...this.#failureFacts(),
        }),
      onLine: (text) => {
        if (this.#options.proof?.line(text) === true) return this.#heed(incarnation);
        const found = this.#options.recognisePhase(text);
        if (found !== null) this.#post({ type: 'phase', at: this.#at(), incarnation, ...found });
      },
      onExited: (exit) => this.#post({ type: 'exited', at: this.#at(), incarnation, exit }),
      onRecord: (kind, data) => this.#record(kind, data),
    });
    this.#current = { incarnation, attempt, silentLooks: 0, isLooking: false };
  }

  /** A process has spoken for itself: a no ends the engine at once, whatever it is doing. */
  #heed(incarnation: number): void {
    const verdict = this.#options.proof?.verdict(false);
    if (typeof verdict !== 'object') return;
    this.#post({ type: 'probe-refused', at: this.#at(), incarnation, diagnosis: verdict });
  }

  async #probe({ incarnation, attempt }: Current): Promise<void> {
    const running = await attempt.launched;
    if (running === null) return;
    const refused = await awaitReadiness(this.#options, running, attempt.work.signal, () =>
      this.#post({ type: 'phase', at: this.#at(), incarnation, phase: 'canary', progress: null }),
    );
    const at = this.#at();
    if (refused === null) this.#post({ type: 'probe-passed', at, incarnation });
    else this.#post({ type: 'probe-refused', at, incarnation, diagnosis: refused });
  }

  async #checkHealth(current: Current): Promise<void> {
    const { incarnation, attempt } = current;
    const running = await attempt.launched;
    if (running === null || current.isLooking) return;
    current.isLooking = true;
    try {
      const look = await lookAtHealth(
        running.endpoint,
        this.#options.policy.healthTimeoutMs,
        attempt.work.signal,
      );
      current.silentLooks = look.kind === 'silent' ? current.silentLooks + 1 : 0;
      if (look.kind === 'silent' && current.silentLooks < maxSilentLooks) return;
      const why =
        look.kind === 'unhealthy' ? look.why : `/health gave no answer ${current.silentLooks} times in a row`;
      this.#post({ type: 'health', at: this.#at(), incarnation, isHealthy: look.kind === 'healthy', why });
    } finally {
      current.isLooking = false;
    }
  }

  async #drain({ incarnation, attempt }: Current): Promise<void> {
    try {
      await this.#options.drain?.(attempt.work.signal);
    } finally {
      this.#post({ type: 'drained', at: this.#at(), incarnation });
    }
  }

  async #destroy({ incarnation, attempt }: Current): Promise<void> {
    try {
      const diagnosis = await attempt.remove();
      this.#post({ type: 'gone', at: this.#at(), incarnation, diagnosis, ...this.#failureFacts() });
    } catch (error) {
      const diagnosis = diagnoseError(toStepError(error));
      this.#post({ type: 'remove-failed', at: this.#at(), incarnation, diagnosis });
    }
  }
}
