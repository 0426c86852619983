import { join } from 'node:path';
import {
  claimInstance,
  type ClaimedInstance,
  type ControllerApi,
  readInstance,
  serveControl,
} from '../../control/index.ts';
import { dataDir, StepError, toStepError } from '../../lib/index.ts';
import type { ResolvedStack } from '../../stack/index.ts';
import type { Context } from '../context.ts';
import { removeLeftovers } from '../leftovers.ts';
import { readVersion } from '../version.ts';
import { buildArtefact } from './artefact.ts';
import { Cleanup } from './cleanup.ts';
import type { ReadyFacts } from './detach.ts';
import { makeEngineSpec, modelPathFor, modelPlace } from './engine-spec.ts';
import { openFrontDoor } from './front-door.ts';
import { firstQuestion } from './greeting.ts';
import { launchEngine } from './launch.ts';
import { freshStatus, type LiveStatus, reportStatus } from './live-status.ts';
import { makeLocalKey } from './local-key.ts';
import { fetchModel } from './model-stage.ts';
import { preflight } from './preflight.ts';
import { holdAgainstLock, openLock } from './lock-stage.ts';
import { StopRequest } from './stop-request.ts';

export interface ControllerOptions {
  readonly pull: 'missing' | 'always' | 'never';
  /** Refuse what differs from the lock; null: where CI is set. */
  readonly frozen: boolean | null;
  /** Called once the first token was seen. */
  readonly onReady: (facts: ReadyFacts) => Promise<void>;
}

/**
 * The controller: takes the machine from what it is to the stack, keeps it there until asked to stop, and leaves nothing
 * behind. Returns the exit code of a clean end (0 after `down`, 130 after Ctrl-C once serving is also 0); throws what failed.
 */
export async function runController(
  context: Context,
  resolved: ResolvedStack,
  options: ControllerOptions,
): Promise<number> {
  const stop = new StopRequest(context.signal);
  const cleanup = new Cleanup();
  const live = freshStatus();
  const before = await readInstance(context.instance, context.env);
  const claim = await claimInstance(context.instance, context.env);
  cleanup.add(() => claim.release());
  try {
    await sweep(context, claim, before?.record.driver ?? null);
    await goUp({ context, resolved, options, stop, cleanup, live, claim });
    live.stage = 'serving';
    await waitForStop(live, stop);
  } catch (error) {
    throw fail(error, live, stop);
  } finally {
    await takeDown(context, live, cleanup);
  }
  return 0;
}

interface Going {
  readonly context: Context;
  readonly resolved: ResolvedStack;
  readonly options: ControllerOptions;
  readonly stop: StopRequest;
  readonly cleanup: Cleanup;
  readonly live: LiveStatus;
  readonly claim: ClaimedInstance;
}

/** A controller that was killed may have left its engine: it goes before anything else starts. */
async function sweep(context: Context, claim: ClaimedInstance, driver: string | null): Promise<void> {
  if (driver === null) return;
  const removed = await removeLeftovers(context.instance, claim.dir, driver);
  for (const item of removed)
    context.reporter.warn(`removed what a dead controller left: ${item.kind} ${item.id} (${item.text})`);
}

async function goUp(going: Going): Promise<void> {
  const { context, resolved, live, stop, claim } = going;
  const { reporter } = context;
  const lock = await openLock(context, resolved, going.options.frozen);
  const { stack } = lock;
  await claim.record({ driver: stack.engine.driver, profile: stack.profile, listen: stack.proxy.listen });
  const localKey = makeLocalKey();
  await startControl(going, localKey.text);
  reporter.stage('profile', `${stack.profile}: ${resolved.profileReason}`);
  await preflight(context, stack, stop.signal);

  live.stage = 'build';
  const common = { stack, env: context.env, reporter, signal: stop.signal };
  live.artefact = await buildArtefact({ ...common, pull: going.options.pull });
  stop.signal.throwIfAborted();

  live.stage = 'pull';
  live.model = await fetchModel(common);
  stop.signal.throwIfAborted();

  live.stage = 'launch';
  const { compileServe } = await import('../../vllm/index.ts');
  const place = modelPlace(live.model.path);
  const compiled = compileServe({ stack, modelPath: modelPathFor(stack.engine.driver, place) });
  for (const warning of compiled.warnings) reporter.warn(warning);
  const cacheDir = join(dataDir(context.env), 'cache', stack.engine.vllm);
  await holdAgainstLock(context, lock, { artefact: live.artefact, model: live.model, compiled }, live);
  const spec = makeEngineSpec({
    instance: context.instance,
    stack,
    artefact: live.artefact,
    place,
    compiled,
    stateDir: claim.dir,
    cacheDir,
  });
  live.command = [...spec.program, ...spec.args];
  const engine = await launchEngine({
    context,
    stack,
    spec,
    model: live.model,
    artefact: live.artefact,
    stateDir: claim.dir,
    live,
  });
  going.cleanup.add(() => engine.close());
  const door = await openFrontDoor({
    context,
    stack,
    view: engine.supervisor,
    localKey,
    logFile: join(claim.dir, 'access.jsonl'),
  });
  going.cleanup.add(() => door.close());
  live.proxyUrl = door.url;
  live.counts = door.counts;
  going.cleanup.add(() => door.drain(stop.drainMs ?? stack.proxy.drainMs, context.hurry));
  reporter.stage('proxy', `listening on ${door.url}; requests wait there while the engine starts`);
  await engine.bringUp(stop.signal);
  const question =
    live.model.script?.scripts.find((script) => script.name === 'chat')?.prompt ?? firstQuestion;
  await going.options.onReady({
    url: door.url,
    servedName: stack.serve.name,
    auth: stack.proxy.auth,
    key: stack.proxy.auth === 'keys' ? localKey.text : null,
    question,
  });
}

async function startControl(going: Going, localKey: string): Promise<void> {
  const { context, resolved, live, stop, claim } = going;
  const frame = {
    instance: context.instance,
    stack: resolved.stack,
    version: readVersion(),
    startedAt: Date.now(),
    eventsFile: join(claim.dir, 'events.jsonl'),
  };
  const api: ControllerApi = {
    status: () => reportStatus(live, frame),
    localKey: () => (resolved.stack.proxy.auth === 'keys' ? localKey : null),
    restart: async () => {
      if (live.restart === null)
        throw new StepError('STEP_CONTROL_NOT_UP', {
          verdict: 'the engine was not launched yet',
          reason: `the controller is at stage "${live.stage}"`,
          next: 'stepctl status --watch',
        });
      await live.restart();
    },
    down: async (drainMs) => {
      stop.ask('down', drainMs);
      await stop.ended();
    },
  };
  const server = await serveControl(claim.socket, api);
  going.cleanup.add(() => server.close());
  // Whoever asked by `down` is answered once the engine is gone and before the control server closes.
  going.cleanup.add(() => stop.markEnded());
}

/** Serving ends by a request to stop, or by an engine that was given up. */
async function waitForStop(live: LiveStatus, stop: StopRequest): Promise<void> {
  const { engine } = live;
  const unsubscribe = engine?.subscribe((snapshot) => {
    // Given up is no end: the proxy stays up and says why, `restart` may cure it.
    live.stage = snapshot.state === 'given-up' ? 'failed' : 'serving';
  });
  await stop.asked();
  unsubscribe?.();
}

function fail(error: unknown, live: LiveStatus, stop: StopRequest): unknown {
  if (stop.reason === 'interrupt')
    return new StepError('STEP_INTERRUPTED', {
      verdict: `interrupted at stage "${live.stage}"`,
      reason: 'what had been started is taken down; what had been downloaded or built is kept',
      next: 'stepctl up goes on from there',
    });
  if (stop.reason === 'down')
    return new StepError('STEP_INTERRUPTED', { verdict: `stopped by stepctl down at stage "${live.stage}"` });
  live.stage = 'failed';
  live.failure = toStepError(error);
  return live.failure;
}

async function takeDown(context: Context, live: LiveStatus, cleanup: Cleanup): Promise<void> {
  if (live.failure === null) live.stage = 'stopping';
  if (live.proxyUrl !== null)
    context.reporter.stage(
      'stop',
      'draining, then stopping the engine (Ctrl-C again does not wait for requests)',
    );
  await cleanup.run();
  if (live.proxyUrl !== null) context.reporter.stage('stop', 'stopped; nothing is left running');
}
