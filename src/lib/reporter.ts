/** What a room tells the person while it works. The CLI renders it as text or NDJSON; a room never prints. */
export interface Reporter {
  /** A stage of the work and what is being done or was done, one line. */
  stage(name: string, text: string): void;
  /** Progress inside a stage; called as often as the room likes, the renderer throttles. */
  progress(progress: Progress): void;
  warn(text: string): void;
}

export interface Progress {
  readonly stage: string;
  /** Work done and in total, in `unit`; total null while unknown. */
  readonly done: number;
  readonly total: number | null;
  readonly unit: 'bytes' | 'items' | 'percent';
  /** Per second over the last few seconds of this session (bytes resumed from disk do not count); null while unknown. */
  readonly rate: number | null;
  readonly etaMs: number | null;
  readonly note?: string;
}

export const silentReporter: Reporter = { stage: () => {}, progress: () => {}, warn: () => {} };
