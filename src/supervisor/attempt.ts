import type { EngineExit, EngineSpec, Running } from '../engine/index.ts';
import { type Clock, toStepError } from '../lib/index.ts';
import type { Diagnosis } from '../vllm/types.ts';
import { diagnoseError } from './launch-diagnosis.ts';
import type { SupervisorOptions } from './options.ts';
import { openEngineLog } from './record/engine-log.ts';

/** Lines kept in memory for the diagnosis. */
const tailLines = 2_000;
/** After an engine is removed its exit and last lines are awaited this long: an external one never tells. */
const lastWordsMs = 2_000;

const unknownExit: EngineExit = { code: null, signal: null, oomKilled: false };

/** One incarnation: its engine, its log, and the work done on it. */
export interface Attempt {
  /** Null when it did not start. */
  readonly launched: Promise<Running | null>;
  /** Aborted by quiesce: ends probes, health checks, drains. */
  readonly work: AbortController;
  markReady(): void;
  /** Removes the engine and says why it ended. Rejects with the driver's StepError. Shared while under way. */
  remove(): Promise<Diagnosis>;
}

export interface AttemptEvents {
  onLaunched(running: Running): void;
  onLaunchFailed(diagnosis: Diagnosis): void;
  onLine(text: string): void;
  onExited(exit: EngineExit): void;
  onRecord(kind: string, data: Readonly<Record<string, unknown>>): void;
}

export function startAttempt(options: SupervisorOptions, events: AttemptEvents): Attempt {
  const { driver, spec, clock } = options;
  const tail: string[] = [];
  let wasReady = false;
  let pumped: Promise<void> = Promise.resolve();
  const keep = (text: string) => {
    tail.push(text);
    if (tail.length > 2 * tailLines) tail.splice(0, tail.length - tailLines);
  };
  const launch = async (): Promise<Running | null> => {
    try {
      await driver.check(spec);
      await removeOld(options, events);
      const running = await driver.start(spec);
      pumped = pumpLog(running, options, (text) => {
        keep(text);
        events.onLine(text);
      });
      events.onLaunched(running);
      void running.exited.then((exit) => events.onExited(exit));
      return running;
    } catch (error) {
      events.onLaunchFailed(diagnoseError(toStepError(error)));
      return null;
    }
  };
  const launched = launch();
  const removeOnce = async (): Promise<Diagnosis> => {
    const running = await launched;
    await running?.destroy();
    const exit = running === null ? unknownExit : await within(clock, running.exited, unknownExit);
    await within(clock, pumped, undefined);
    const { code, signal, oomKilled } = exit;
    return options.diagnose({
      lines: tail.slice(-tailLines),
      exitCode: code,
      signal,
      oomKilled,
      everReady: wasReady,
    });
  };
  let removal: Promise<Diagnosis> | null = null;
  return {
    launched,
    work: new AbortController(),
    markReady: () => {
      wasReady = true;
    },
    remove: () => {
      removal ??= removeOnce().catch((error: unknown) => {
        removal = null;
        throw error;
      });
      return removal;
    },
  };
}

/** The promise's value, or `otherwise` when it does not come in time; the timer ends with it. */
async function within<T>(clock: Clock, promise: Promise<T>, otherwise: T): Promise<T> {
  const timer = new AbortController();
  const late = clock.sleep(lastWordsMs, timer.signal).then(
    () => otherwise,
    () => otherwise,
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
  }
}

/** Takes away what an earlier controller left: never two engines. */
async function removeOld({ driver, spec }: SupervisorOptions, events: AttemptEvents): Promise<void> {
  const { instance, stateDir }: EngineSpec = spec;
  const removed = await driver.remove(instance, stateDir);
  if (removed.length > 0) events.onRecord('leftovers', { removed });
}

/** Writes the engine's lines to disk and shows each to `onLine`, at the disk's pace: the driver's queue is bounded. */
async function pumpLog(
  running: Running,
  options: SupervisorOptions,
  onLine: (text: string) => void,
): Promise<void> {
  const log = await openEngineLog(options.logDir, options.spec.limits.logMaxBytes).catch(() => null);
  try {
    for await (const line of running.logs) {
      onLine(line.text);
      await log?.write(line);
    }
  } finally {
    await log?.close();
  }
}
