import type { RequestRecord } from '../types.ts';

export interface ClosedLoopParts {
  readonly concurrency: number;
  readonly requests: number;
  readonly signal: AbortSignal;
  send(index: number): Promise<RequestRecord>;
  onRecord(record: RequestRecord, finished: number): void;
}

/**
 * Keeps `concurrency` requests in flight until `requests` were sent or the signal fires; each slot sends its next one
 * as soon as its last one ended. A closed loop: a stalled server also stops the arrivals, so its latencies say how
 * long requests take, not how long users wait at a given rate.
 */
export async function runClosedLoop(parts: ClosedLoopParts): Promise<RequestRecord[]> {
  const records: RequestRecord[] = [];
  let next = 0;
  const runSlot = async (): Promise<void> => {
    while (next < parts.requests && !parts.signal.aborted) {
      const index = next;
      next += 1;
      const record = await parts.send(index);
      records.push(record);
      parts.onRecord(record, records.length);
    }
  };
  await Promise.all(Array.from({ length: Math.min(parts.concurrency, parts.requests) }, runSlot));
  return records.toSorted((a, b) => a.index - b.index);
}
