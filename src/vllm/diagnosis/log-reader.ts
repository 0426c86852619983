import type { Diagnosis, StartupPhase } from '../types.ts';
import { concludeStart } from './diagnose.ts';
import { isBanner, StartReader } from './reader.ts';

/** What a whole log told. */
export interface LogDiagnosis {
  /** failed: a known failure; healthy: it serves and no error is in it; unknown: neither. */
  readonly outcome: 'failed' | 'healthy' | 'unknown';
  readonly diagnosis: Diagnosis | null;
  /** Line, from 1, that shows the cause; null without one. */
  readonly line: number | null;
  readonly phase: StartupPhase | null;
  readonly wasReady: boolean;
  readonly version: string | null;
  /** Starts that the log holds; the last one with a failure is the one told. */
  readonly starts: number;
  /** Which of them, from 1. */
  readonly start: number;
  /** Signatures of failed starts before it, oldest first, at most 20. */
  readonly earlier: readonly string[];
  readonly lines: number;
  readonly bytes: number;
}

/** Longer lines are cut: no line of vLLM that tells a cause is near it. */
const maxLineBytes = 16 * 1024;
/** Lines of one start looked at whole even when they are quiet: its phases are among them. */
const closeLooks = 20_000;
const keptEarlier = 20;

/** `(APIServer pid=1) INFO`, with whatever a log writer puts before it. */
const quietHead = /^[\d\-TZ:.,+ ]{0,40}(?:out |err |std(?:out|err) [FP] )?(?:\([^)\n]{0,40}\) )?$/;

interface Told {
  readonly result: LogDiagnosis;
}

/**
 * Reads a log of any length, chunk by chunk, in bounded memory: `add` every chunk in order, then `finish`. Takes whatever
 * bytes come. Once a start serves, its INFO lines are passed over unread but for those that a signature may be in.
 */
export class LogReader {
  #rest = '';
  #isCut = false;
  #head = '';
  #lines = 0;
  #bytes = 0;
  #starts = 0;
  #seen = 0;
  #start = new StartReader();
  #last: Told | null = null;
  readonly #earlier: string[] = [];

  add(chunk: Buffer): void {
    this.#bytes += chunk.length;
    // One byte a character: fast, and any bytes are legal. Evidence is turned back at the end.
    const text = this.#rest + chunk.toString('latin1');
    const end = text.lastIndexOf('\n');
    this.#walk(text, end + 1);
    this.#rest = text.slice(end + 1);
    if (this.#rest.length <= maxLineBytes) return;
    if (!this.#isCut) this.#line(this.#rest.slice(0, maxLineBytes));
    this.#isCut = true;
    this.#rest = '';
  }

  finish(): LogDiagnosis {
    if (this.#rest !== '') this.#line(this.#rest);
    this.#rest = '';
    const now = this.#conclude();
    const told =
      now.outcome === 'unknown' && this.#last !== null && this.#isEmpty(now) ? this.#last.result : now;
    return { ...told, starts: this.#starts, earlier: this.#earlier, lines: this.#lines, bytes: this.#bytes };
  }

  /** A log that was cut off within the first lines of its last start tells of the one before. */
  #isEmpty(result: LogDiagnosis): boolean {
    return result.diagnosis === null || result.diagnosis.evidence.length === 0;
  }

  /** Goes over the whole lines in `text` up to `end`. */
  #walk(text: string, end: number): void {
    let at = 0;
    let info = text.indexOf('INFO');
    let special = nextSpecial(text, 0);
    while (at < end) {
      const stop = text.indexOf('\n', at);
      if (this.#isCut) {
        // What is left of a line that was cut.
        this.#isCut = false;
        at = stop + 1;
        continue;
      }
      if (info >= 0 && info < at) info = text.indexOf('INFO', at);
      if (special >= 0 && special < at) special = nextSpecial(text, at);
      const isPlain = special < 0 || special >= stop;
      const isInfo = info >= 0 && info < stop && info - at < 100;
      const mayPass = isPlain && isInfo && (this.#start.wasReady || this.#seen >= closeLooks);
      if (mayPass && this.#isQuietHead(text, at, info)) this.#lines += 1;
      else this.#line(text.slice(at, Math.min(stop, at + maxLineBytes)));
      at = stop + 1;
    }
  }

  /** Lines of one process begin alike: the last such beginning is remembered. */
  #isQuietHead(text: string, at: number, info: number): boolean {
    if (info - at === this.#head.length && text.startsWith(this.#head, at)) return true;
    const head = text.slice(at, info);
    if (!quietHead.test(head)) return false;
    this.#head = head;
    return true;
  }

  #line(raw: string): void {
    this.#lines += 1;
    this.#seen += 1;
    // tqdm redraws its bar with a carriage return: each state is a line of its own.
    for (const part of raw.includes('\r') ? raw.split('\r') : [raw]) {
      if (isBanner(part)) this.#begin();
      this.#start.add(part, this.#lines);
    }
  }

  #begin(): void {
    if (this.#starts > 0) {
      const result = this.#conclude();
      if (result.outcome === 'failed') {
        this.#last = { result };
        if (this.#earlier.length < keptEarlier) this.#earlier.push(result.diagnosis?.signature ?? 'unknown');
      }
      this.#start = new StartReader();
      this.#seen = 0;
    }
    this.#starts += 1;
  }

  #conclude(): LogDiagnosis {
    const findings = this.#start.findings();
    const hit = findings.strong ?? findings.weak;
    const end = {
      exitCode: null,
      signal: null,
      oomKilled: false,
      everReady: hit?.wasReady ?? findings.wasReady,
    };
    const isHealthy = hit === null && findings.wasReady && findings.lastErrors.length === 0;
    const diagnosis = isHealthy ? null : asText(concludeStart(findings, end));
    return {
      outcome: hit !== null ? 'failed' : isHealthy ? 'healthy' : 'unknown',
      diagnosis,
      line: hit?.at ?? null,
      phase: hit?.phase ?? findings.phase,
      wasReady: findings.wasReady,
      version: findings.version,
      starts: this.#starts,
      start: Math.max(1, this.#starts),
      earlier: [],
      lines: this.#lines,
      bytes: this.#bytes,
    };
  }
}

/** Quiet lines that matter although they are quiet: a new start, and the one INFO line that is a hint of a hang. */
function nextSpecial(text: string, from: number): number {
  const version = text.indexOf(' version ', from);
  const broadcast = text.indexOf('No available shared memory', from);
  if (version < 0) return broadcast;
  return broadcast < 0 ? version : Math.min(version, broadcast);
}

/** Bytes read as characters become text again; a sentence of our own holds others and stays. */
const decode = (text: string): string =>
  /[\u0080-\u00ff]/.test(text) && !/[\u0100-\uffff]/.test(text)
    ? Buffer.from(text, 'latin1').toString('utf8')
    : text;

const asText = (diagnosis: Diagnosis): Diagnosis => ({
  ...diagnosis,
  cause: decode(diagnosis.cause),
  advice: decode(diagnosis.advice),
  evidence: diagnosis.evidence.map(decode),
});
