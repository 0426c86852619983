import { StepError } from '../lib/index.ts';
import { EffectRunner } from './effects.ts';
import { createMachine } from './machine/enter.ts';
import { transition } from './machine/transition.ts';
import type { Machine, SupervisorEvent } from './machine/types.ts';
import type { SupervisorOptions } from './options.ts';
import { projectSnapshot } from './snapshot.ts';
import type { EngineSnapshot, EngineView } from './types.ts';
import { waitFor } from './wait-for.ts';

export interface Supervisor extends EngineView {
  /** Asks for an engine; nothing happens where one is coming or there. A person's start forgets earlier failures. */
  start(): void;
  /**
   * Resolves when an engine is ready. Rejects with STEP_SUPERVISOR_GIVEN_UP, STEP_SUPERVISOR_STOPPED or the signal's
   * reason.
   */
  waitReady(signal: AbortSignal): Promise<void>;
  /**
   * Drains, stops and removes the engine; resolves when nothing is left of it. Rejects with STEP_SUPERVISOR_GIVEN_UP
   * when it cannot be removed.
   */
  stop(reason: string): Promise<void>;
  /** Replaces the engine; resolves when the old one is gone and the new one ordered. Rejects as waitReady does. */
  restart(reason: string): Promise<void>;
  /** Stops, ends every timer and closes the files. Idempotent. */
  close(): Promise<void>;
}

function refuseGivenUp(seen: EngineSnapshot): void {
  if (seen.state !== 'given-up') return;
  throw new StepError('STEP_SUPERVISOR_GIVEN_UP', {
    verdict: 'the engine was given up',
    reason: seen.diagnosis?.cause ?? 'no cause known',
    next: seen.diagnosis?.advice ?? 'stepctl logs engine',
    details: { diagnosis: seen.diagnosis, incarnation: seen.incarnation },
  });
}

function refuseStopped(seen: EngineSnapshot): void {
  if (seen.state !== 'stopped') return;
  throw new StepError('STEP_SUPERVISOR_STOPPED', {
    verdict: 'the engine is stopped',
    reason: 'somebody stopped it, or nobody started it',
    next: 'stepctl up',
  });
}

/** One queue, one writer: every change goes through `#post`, and what others get is a snapshot. */
class EngineSupervisor implements Supervisor {
  readonly #options: SupervisorOptions;
  readonly #runner: EffectRunner;
  readonly #listeners = new Set<(snapshot: EngineSnapshot) => void>();
  readonly #queue: SupervisorEvent[] = [];
  #machine: Machine;
  #since: number;
  /** ms after the order at which each phase of this start began. */
  #phases: Record<string, number> = {};
  #isBusy = false;
  #isClosed = false;
  #closing: Promise<void> | null = null;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#machine = createMachine(options.policy);
    this.#since = options.clock.now();
    this.#runner = new EffectRunner(options, (event) => this.#post(event));
  }

  snapshot(): EngineSnapshot {
    const now = this.#options.clock.monotonicMs();
    return projectSnapshot({
      machine: this.#machine,
      since: this.#since,
      now,
      starts: this.#runner.starts(),
    });
  }

  subscribe(listener: (snapshot: EngineSnapshot) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  start(): void {
    this.#refuseClosed();
    this.#post({ type: 'start-asked', at: this.#options.clock.monotonicMs() });
  }

  waitReady(signal: AbortSignal): Promise<void> {
    return waitFor(
      this,
      (seen) => {
        refuseGivenUp(seen);
        refuseStopped(seen);
        return seen.state === 'ready' || seen.state === 'suspect';
      },
      signal,
    );
  }

  async stop(reason: string): Promise<void> {
    const before = this.#machine.incarnation;
    this.#post({ type: 'stop-asked', at: this.#options.clock.monotonicMs(), reason });
    await waitFor(this, (seen) => {
      refuseGivenUp(seen);
      // A later one means that somebody asked for a restart meanwhile: this engine is gone all the same.
      return seen.state === 'stopped' || seen.incarnation > before;
    });
  }

  async restart(reason: string): Promise<void> {
    this.#refuseClosed();
    const before = this.#machine.incarnation;
    this.#post({ type: 'restart-asked', at: this.#options.clock.monotonicMs(), reason });
    await waitFor(this, (seen) => {
      refuseGivenUp(seen);
      refuseStopped(seen);
      return seen.incarnation > before;
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#finish();
    return this.#closing;
  }

  async #finish(): Promise<void> {
    // What cannot be removed stays on record for the next controller.
    await this.stop('supervisor closes').catch(() => {});
    this.#isClosed = true;
    await this.#runner.close();
  }

  #refuseClosed(): void {
    if (this.#closing === null) return;
    throw new StepError('STEP_SUPERVISOR_CLOSED', {
      verdict: 'the supervisor is closed',
      reason: 'nothing is started any more',
    });
  }

  #post(event: SupervisorEvent): void {
    if (this.#isClosed) return;
    this.#queue.push(event);
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        const [after, effects] = transition(this.#machine, next);
        this.#commit(after);
        for (const effect of effects) this.#runner.run(effect);
      }
    } finally {
      this.#isBusy = false;
    }
  }

  #commit(next: Machine): void {
    const before = this.#machine;
    this.#machine = next;
    if (next.state === before.state) return;
    if (next.state.name !== before.state.name || next.incarnation !== before.incarnation) {
      this.#since = this.#options.clock.now();
    }
    this.#noteStartTimes(before, next);
    const seen = this.snapshot();
    for (const listener of this.#listeners) this.#tell(listener, seen);
  }

  /** A listener that throws must not keep the machine's effects from running. */
  #tell(listener: (snapshot: EngineSnapshot) => void, seen: EngineSnapshot): void {
    try {
      listener(seen);
    } catch (error) {
      this.#runner.run({ type: 'record', kind: 'listener-failed', data: { error: String(error) } });
    }
  }

  /** Remembers when the phases began, and at ready hands them to the history. */
  #noteStartTimes(before: Machine, { state, enteredAt, incarnation }: Machine): void {
    if (state.name === 'starting') {
      if (incarnation !== before.incarnation) this.#phases = {};
      this.#phases[state.phase] ??= state.phaseAt - enteredAt;
    } else if (state.name === 'ready' && before.state.name === 'starting') {
      this.#runner.markReady({ totalMs: state.readyAt - before.enteredAt, phases: this.#phases });
    }
  }
}

/** Keeps one engine running. Nothing happens before `start()`. */
export const createSupervisor = (options: SupervisorOptions): Supervisor => new EngineSupervisor(options);
