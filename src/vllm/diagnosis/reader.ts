import { recognisePhase } from '../phases.ts';
import type { StartupPhase } from '../types.ts';
import { cleanLine, isBanner, isError, isQuiet, isWrapper, versionIn } from './line.ts';
import { type Hit, hitsOf } from './signatures.ts';

/** Lines of evidence that are kept. */
export const evidenceLimit = 6;

/** A hit, and what the start had come to when its line was written. */
export interface DatedHit extends Hit {
  readonly phase: StartupPhase | null;
  readonly wasReady: boolean;
  /** Line of the log, from 1. */
  readonly at: number;
}

/** What one start's lines told; the memory of it is bounded whatever the log's length. */
export interface StartFindings {
  readonly strong: DatedHit | null;
  readonly weak: DatedHit | null;
  /** Further lines of the strong hit's signature (else of the weak one's). */
  readonly more: readonly string[];
  readonly lastErrors: readonly string[];
  readonly lastLines: readonly string[];
  readonly version: string | null;
  readonly phase: StartupPhase | null;
  readonly wasReady: boolean;
}

const order: readonly StartupPhase[] = [
  'launch',
  'imports',
  'config',
  'distributed',
  'backends',
  'weights',
  'compile',
  'kv-cache',
  'graphs',
  'server',
  'canary',
];

const keepLast = (list: string[], line: string): void => {
  list.push(line);
  if (list.length > evidenceLimit) list.shift();
};

/** Reads the lines of one start in order. */
export class StartReader {
  #strong: DatedHit | null = null;
  #weak: DatedHit | null = null;
  readonly #more: string[] = [];
  readonly #errors: string[] = [];
  readonly #lines: string[] = [];
  #version: string | null = null;
  #phase: StartupPhase | null = null;
  #wasReady = false;
  #lastLine = '';

  get wasReady(): boolean {
    return this.#wasReady;
  }

  /** `at`: number of the line in the log, from 1. */
  add(raw: string, at: number): void {
    const line = cleanLine(raw);
    if (line === '') return;
    this.#lastLine = line;
    const quiet = isQuiet(line);
    if (quiet || !isError(line)) this.#follow(line);
    if (!quiet) this.#note(line);
    for (const hit of hitsOf(line)) this.#take(hit, at);
  }

  findings(): StartFindings {
    return {
      strong: this.#strong,
      weak: this.#weak,
      more: this.#more,
      lastErrors: this.#errors,
      lastLines: this.#lines.length > 0 || this.#lastLine === '' ? this.#lines : [this.#lastLine],
      version: this.#version,
      phase: this.#phase,
      wasReady: this.#wasReady,
    };
  }

  #follow(line: string): void {
    this.#version ??= versionIn(line);
    if (this.#wasReady) return;
    const phase = recognisePhase(line)?.phase ?? null;
    if (phase !== null && (this.#phase === null || order.indexOf(phase) > order.indexOf(this.#phase)))
      this.#phase = phase;
    if (line.includes('Application startup complete')) this.#wasReady = true;
  }

  #note(line: string): void {
    keepLast(this.#lines, line);
    if (isError(line) && !isWrapper(line)) keepLast(this.#errors, line);
  }

  #take(hit: Hit, at: number): void {
    const dated = { ...hit, phase: this.#phase, wasReady: this.#wasReady, at };
    const isStrong = hit.signature.weak !== true;
    if (isStrong && this.#strong === null) {
      this.#strong = dated;
      this.#more.length = 0;
    } else if (!isStrong && this.#strong === null) this.#weak ??= dated;
    const told = this.#strong ?? this.#weak;
    const isSame = told?.signature.id === hit.signature.id && !isQuiet(hit.line);
    if (isSame && this.#more.length < evidenceLimit) this.#more.push(hit.line);
  }
}

export { isBanner };
