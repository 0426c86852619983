import type { EngineSnapshot, EngineView } from './types.ts';

/**
 * Resolves once `look` says true of a snapshot, now or later; rejects with what `look` throws, or with the signal's
 * reason.
 */
export function waitFor(
  view: EngineView,
  look: (seen: EngineSnapshot) => boolean,
  signal?: AbortSignal,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const check = (seen: EngineSnapshot) => {
    try {
      if (look(seen)) resolve();
    } catch (error) {
      reject(error);
    }
  };
  const onAbort = () => reject(signal?.reason);
  const leave = view.subscribe(check);
  if (signal?.aborted === true) onAbort();
  signal?.addEventListener('abort', onAbort, { once: true });
  check(view.snapshot());
  return promise.finally(() => {
    leave();
    signal?.removeEventListener('abort', onAbort);
  });
}
