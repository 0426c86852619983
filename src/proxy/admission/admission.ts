import type { EngineSnapshot, EngineView } from '../../supervisor/types.ts';
import type { ProxyPolicy } from '../policy.ts';
import type { Refusal, ShedReason } from '../refusal.ts';
import type { ProxyTimers } from '../timers.ts';
import { decideAdmission, isServing, rampWindow } from './decide.ts';
import { FairQueue, type QueueEntry } from './fair-queue.ts';
import { shedRefusal } from './shed.ts';

/** A request at the gate. The gate calls exactly one of the two, once per `submit`. */
export interface Candidate extends QueueEntry {
  /** Monotonic ms. */
  readonly deadlineAt: number;
  forward(snapshot: EngineSnapshot): void;
  refuse(refusal: Refusal): void;
}

export interface AdmissionDeps {
  readonly view: EngineView;
  readonly policy: Pick<ProxyPolicy, 'maxQueue' | 'maxInFlight'>;
  readonly timers: Pick<ProxyTimers, 'rampStepMs'>;
  readonly nowMs: () => number;
}

/** Sixth stage: who is forwarded now, who waits, who is refused. Holds the queue and the count of forwards; asks the engine's owner by snapshot only. */
export class Admission {
  readonly #deps: AdmissionDeps;
  readonly #queue = new FairQueue<Candidate>();
  readonly #unsubscribe: () => void;
  #snapshot: EngineSnapshot;
  #inFlight = 0;
  #isDraining = false;
  #held: { incarnation: number; untilMs: number } | null = null;
  #ramp = { incarnation: -1, readyAt: 0, completed: 0, isAfterCrash: false };
  #hasCrashed = false;
  #isPumping = false;

  constructor(deps: AdmissionDeps) {
    this.#deps = deps;
    this.#snapshot = deps.view.snapshot();
    this.#unsubscribe = deps.view.subscribe((snapshot) => this.#onSnapshot(snapshot));
    this.#onSnapshot(this.#snapshot);
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get queued(): number {
    return this.#queue.size;
  }

  get snapshot(): EngineSnapshot {
    return this.#snapshot;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  submit(candidate: Candidate): void {
    const decision = decideAdmission(this.#facts(candidate));
    if (decision.kind === 'shed') return candidate.refuse(shedRefusal(decision.reason, this.#snapshot));
    if (decision.kind === 'forward') return this.#forward(candidate);
    if (decision.evicts) this.#evictFor(candidate);
    this.#queue.push(candidate);
  }

  /** A forward came to nothing and may be tried again: it goes to the front of its key. Its slot is released after this. */
  resubmit(candidate: Candidate): void {
    if (this.#isDraining) return candidate.refuse(shedRefusal('draining', this.#snapshot));
    if (this.#snapshot.state === 'given-up')
      return candidate.refuse(shedRefusal('engine_unavailable', this.#snapshot));
    this.#queue.pushFront(candidate);
    this.#pump();
  }

  /** Takes a waiting request out, e.g. because its client left. */
  withdraw(candidate: Candidate): boolean {
    return this.#queue.remove(candidate);
  }

  /** A forward ended; `isGood`: with a whole answer. */
  release(incarnation: number, isGood: boolean): void {
    this.#inFlight -= 1;
    if (isGood && incarnation === this.#ramp.incarnation) this.#ramp.completed += 1;
    this.#pump();
  }

  /** A forward failed in a way that says the engine is gone: nothing more goes to this incarnation for a while. */
  hold(incarnation: number, ms: number, isCrash: boolean): void {
    this.#hasCrashed ||= isCrash;
    const untilMs = this.#deps.nowMs() + ms;
    if (this.#held?.incarnation === incarnation && this.#held.untilMs > untilMs) return;
    this.#held = { incarnation, untilMs };
  }

  /** Called every so often: deadlines pass, holds end, the window grows. */
  sweep(): void {
    const now = this.#deps.nowMs();
    for (const candidate of this.#queue.entries())
      if (candidate.deadlineAt <= now) this.#refuseQueued(candidate, 'deadline');
    this.#pump();
  }

  /** No newcomers. Those that wait go on only while the engine serves. */
  drain(): void {
    this.#isDraining = true;
    if (!isServing(this.#snapshot.state, this.#snapshot.endpoint !== null)) this.flush('draining');
  }

  /** Refuses all that wait. */
  flush(reason: ShedReason): void {
    for (const candidate of this.#queue.entries()) this.#refuseQueued(candidate, reason);
  }

  close(): void {
    this.#unsubscribe();
    this.flush('draining');
  }

  #onSnapshot(snapshot: EngineSnapshot): void {
    this.#snapshot = snapshot;
    if (snapshot.state === 'given-up') return this.flush('engine_unavailable');
    if (!isServing(snapshot.state, snapshot.endpoint !== null)) {
      if (this.#isDraining) this.flush('draining');
      return;
    }
    if (this.#ramp.incarnation !== snapshot.incarnation) {
      const readyAt = this.#deps.nowMs();
      this.#ramp = {
        incarnation: snapshot.incarnation,
        readyAt,
        completed: 0,
        isAfterCrash: this.#hasCrashed,
      };
    }
    this.#pump();
  }

  #forward(candidate: Candidate): void {
    this.#inFlight += 1;
    candidate.forward(this.#snapshot);
  }

  /** Not re-entrant: a forward that fails at once releases its slot from inside this loop. */
  #pump(): void {
    if (this.#isPumping || this.#queue.size === 0) return;
    this.#isPumping = true;
    try {
      while (this.#canForward()) {
        const next = this.#queue.take();
        if (next === null) return;
        this.#forward(next);
      }
    } finally {
      this.#isPumping = false;
    }
  }

  #canForward(): boolean {
    const { state, endpoint } = this.#snapshot;
    return isServing(state, endpoint !== null) && !this.#isHeld() && this.#inFlight < this.#window();
  }

  #isHeld(): boolean {
    if (this.#held === null) return false;
    if (this.#held.incarnation === this.#snapshot.incarnation && this.#deps.nowMs() < this.#held.untilMs)
      return true;
    this.#held = null;
    return false;
  }

  #window(): number {
    const { completed, readyAt, isAfterCrash } = this.#ramp;
    if (!isAfterCrash) return this.#deps.policy.maxInFlight;
    return rampWindow({
      maxInFlight: this.#deps.policy.maxInFlight,
      completed,
      readyForMs: this.#deps.nowMs() - readyAt,
      rampStepMs: this.#deps.timers.rampStepMs,
      isAfterCrash,
    });
  }

  #facts(candidate: Candidate) {
    const { state, endpoint, readyInMs } = this.#snapshot;
    const { maxQueue } = this.#deps.policy;
    const queued = this.#queue.size;
    return {
      state,
      hasEndpoint: endpoint !== null,
      readyInMs,
      isDraining: this.#isDraining,
      isHeld: this.#isHeld(),
      inFlight: this.#inFlight,
      window: this.#window(),
      queued,
      maxQueue,
      hasVictim: queued >= maxQueue && this.#queue.victimFor(candidate.keyId) !== null,
      remainingMs: candidate.deadlineAt - this.#deps.nowMs(),
    };
  }

  #evictFor(candidate: Candidate): void {
    const victim = this.#queue.victimFor(candidate.keyId);
    if (victim !== null) this.#refuseQueued(victim, 'queue_full');
  }

  #refuseQueued(candidate: Candidate, reason: ShedReason): void {
    if (this.#queue.remove(candidate)) candidate.refuse(shedRefusal(reason, this.#snapshot));
  }
}
