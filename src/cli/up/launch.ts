import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createDriver, requestEngine } from '../../engine/index.ts';
import type { EngineSpec } from '../../engine/types.ts';
import { StepError, systemClock } from '../../lib/index.ts';
import { createSupervisor, defaultPolicy, type Supervisor } from '../../supervisor/index.ts';
import type { Stack } from '../../stack/schema.ts';
import { compareVersions, diagnose, IntentWatch, recognisePhase } from '../../vllm/index.ts';
import type { Context } from '../context.ts';
import { formatDuration } from '../progress.ts';
import type { Artefact } from './artefact.ts';
import { asEngineProof, explainProof, runtimeProofFor, withIntents, withProof } from './engine-proof.ts';
import { openCompileLedger } from './compile-ledger.ts';
import type { LiveStatus } from './live-status.ts';
import type { ModelOnDisk } from './model-stage.ts';
import { wrongAnswerHint } from './wrong-answer-hint.ts';

export interface LaunchInput {
  readonly context: Context;
  readonly stack: Stack;
  readonly spec: EngineSpec;
  readonly model: ModelOnDisk | null;
  readonly artefact: Artefact;
  readonly stateDir: string;
  readonly live: LiveStatus;
}

export interface Launched {
  readonly supervisor: Supervisor;
  /** Starts the engine and resolves at the first token; throws with the diagnosis when it was given up. */
  bringUp(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Wires the supervisor of this stack; nothing is started yet, so that the proxy can listen first. */
export async function launchEngine(input: LaunchInput): Promise<Launched> {
  const { stack, live } = input;
  const runtime = await runtimeProofFor(stack, input.artefact);
  live.runtime = runtime;
  const intents = new IntentWatch(stack);
  live.intents = () => intents.proofs();
  const spec = runtime === null ? input.spec : await withProof(input.spec, runtime);
  const driver = createDriver(stack.engine.driver);
  await makeWritableMounts(spec);
  await driver.check(spec);
  const logDir = join(input.stateDir, 'logs');
  live.engineLog = () => logDir;
  const supervisor = createSupervisor({
    driver,
    spec,
    servedName: stack.serve.name,
    readiness: {
      expect: input.model?.script ?? null,
      wrongAnswerHint:
        input.model === null
          ? null
          : wrongAnswerHint(stack, input.artefact, input.model.facts, (a, b) => compareVersions(a, b) < 0),
    },
    diagnose,
    recognisePhase,
    proof: withIntents(runtime === null ? null : asEngineProof(runtime), intents),
    policy: {
      ...defaultPolicy,
      ...stack.supervisor,
      startTimeoutMs: stack.engine.startTimeoutMs,
      drainMs: stack.proxy.drainMs,
    },
    // Before a restart or stop: what is forwarded may finish, what comes meanwhile waits in the proxy.
    drain: (signal) => untilIdle(live, signal),
    logDir,
    clock: systemClock,
  });
  live.engine = supervisor;
  live.restart = () => supervisor.restart('asked for by stepctl restart');
  return {
    supervisor,
    bringUp: (signal) => bringUp(input, supervisor, signal),
    close: () => supervisor.close(),
  };
}

/** Folders that the engine writes (compile caches) belong to the user it runs as; only root can and must hand them over. */
async function makeWritableMounts(spec: EngineSpec): Promise<void> {
  for (const mount of spec.mounts) {
    if (mount.readOnly) continue;
    await mkdir(mount.source, { recursive: true, mode: 0o700 });
    if (spec.user !== null && process.getuid?.() === 0)
      await chown(mount.source, spec.user.uid, spec.user.gid);
  }
}

async function bringUp(input: LaunchInput, supervisor: Supervisor, signal: AbortSignal): Promise<void> {
  const { context, live } = input;
  const began = Date.now();
  let told = '';
  const unsubscribe = supervisor.subscribe((snapshot) => {
    const phase = snapshot.phase ?? '';
    if (snapshot.state === 'backing-off' && told !== 'backing-off') {
      context.reporter.warn(
        `the engine ended: ${snapshot.diagnosis?.cause ?? 'no cause known'}; it will be started again`,
      );
    }
    const now = snapshot.state === 'starting' ? phase : snapshot.state;
    if (now !== told && snapshot.state === 'starting' && phase !== '')
      context.reporter.stage('engine', `${phase} (${formatDuration(Date.now() - began)})`);
    told = now;
    if (snapshot.phaseProgress !== null) {
      context.reporter.progress({
        stage: 'engine',
        done: snapshot.phaseProgress * 100,
        total: 100,
        unit: 'percent',
        rate: null,
        etaMs: snapshot.readyInMs,
        note: phase,
      });
    }
  });
  const ledger = await openCompileLedger(input.stateDir, input.stack, input.spec);
  if (ledger.cold !== null) context.reporter.stage('engine', `cold start: ${ledger.cold}`);
  try {
    context.reporter.stage('engine', `starting ${live.command.join(' ')}`);
    supervisor.start();
    await supervisor.waitReady(signal);
  } catch (error) {
    throw explainProof(error);
  } finally {
    unsubscribe();
  }
  await ledger.markReady();
  live.reportedVersion = await readVersion(supervisor);
  context.reporter.stage(
    'engine',
    `ready after ${formatDuration(Date.now() - began)}: healthy, the right model, and it generates the right kind of text`,
  );
}

async function untilIdle(live: LiveStatus, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && live.counts().inFlight > 0) {
    await systemClock.sleep(50, signal).catch(() => undefined);
  }
}

async function readVersion(supervisor: Supervisor): Promise<string | null> {
  const { endpoint } = supervisor.snapshot();
  if (endpoint === null) return null;
  try {
    const answer = await requestEngine(endpoint, { path: '/version', timeoutMs: 5_000 });
    return (JSON.parse(answer.text) as { version?: string }).version ?? null;
  } catch (error) {
    if (error instanceof StepError || error instanceof SyntaxError) return null;
    throw error;
  }
}
