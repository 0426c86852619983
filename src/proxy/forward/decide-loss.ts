export interface LossFacts {
  /** The connection failed before the engine can have seen the request. */
  readonly isNeverSent: boolean;
  /** Any byte of an answer arrived, headers included. */
  readonly hasAnswerBytes: boolean;
  /** The connection had served a request before: the engine may just have closed it as idle. */
  readonly wasReused: boolean;
  /** The client has seen some of the engine's answer. */
  readonly isDelivered: boolean;
  readonly retries: number;
  readonly readmits: number;
  /** Policy switch. */
  readonly isReadmitting: boolean;
}

/**
 * What becomes of a request whose try came to nothing.
 * requeue: it was never sent, it waits as before. retry: the keep-alive race, once, at once. readmit: the engine died with
 * it and the client has seen nothing, so it is sent once more to the next incarnation. fail: everything else.
 * A generation costs GPU time twice when sent twice; hence one readmission at most, and a switch.
 */
export function decideAfterLoss(facts: LossFacts): 'requeue' | 'retry' | 'readmit' | 'fail' {
  if (facts.isDelivered) return 'fail';
  if (facts.isNeverSent) return 'requeue';
  if (facts.wasReused && !facts.hasAnswerBytes && facts.retries === 0) return 'retry';
  return facts.isReadmitting && facts.readmits === 0 ? 'readmit' : 'fail';
}
