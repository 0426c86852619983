import type { RuntimeProof } from '../../build/index.ts';
import type { ControllerStage, ProofFact, StatusReport } from '../../control/index.ts';
import type { StepError } from '../../lib/index.ts';
import type { EngineView } from '../../supervisor/types.ts';
import type { Stack } from '../../stack/schema.ts';
import type { IntentProof } from '../../vllm/index.ts';
import type { Artefact } from './artefact.ts';
import type { ModelOnDisk } from './model-stage.ts';
import { proofFacts } from './proofs.ts';

/** What the controller knows about itself while it goes along; the one source of `status`. */
export interface LiveStatus {
  stage: ControllerStage;
  artefact: Artefact | null;
  model: ModelOnDisk | null;
  engine: EngineView | null;
  command: readonly string[];
  reportedVersion: string | null;
  proxyUrl: string | null;
  counts: () => { inFlight: number; queued: number };
  engineLog: () => string | null;
  failure: StepError | null;
  /** What the running engine says of itself; null where nothing was built for it. */
  runtime: RuntimeProof | null;
  /** The first proof, once the build was held against the lock. */
  lockFact: ProofFact | null;
  /** Set once there is an engine to start anew. */
  restart: (() => Promise<void>) | null;
  /** What the engine's log says of the stack's intents. */
  intents: () => readonly IntentProof[];
}

export const freshStatus = (): LiveStatus => ({
  stage: 'preflight',
  artefact: null,
  model: null,
  engine: null,
  command: [],
  reportedVersion: null,
  proxyUrl: null,
  counts: () => ({ inFlight: 0, queued: 0 }),
  engineLog: () => null,
  failure: null,
  runtime: null,
  lockFact: null,
  restart: null,
  intents: () => [],
});

export interface StatusFrame {
  readonly instance: string;
  readonly stack: Stack;
  readonly version: string;
  readonly startedAt: number;
  readonly eventsFile: string;
}

/** The report of this instant. */
export function reportStatus(live: LiveStatus, frame: StatusFrame): StatusReport {
  const { stack } = frame;
  return {
    schema: 'stepctl/status/1',
    instance: frame.instance,
    profile: stack.profile,
    stage: live.stage,
    controller: { pid: process.pid, since: frame.startedAt, version: frame.version },
    engine: {
      driver: stack.engine.driver,
      vllm: stack.engine.vllm,
      snapshot: live.engine?.snapshot() ?? null,
      reportedVersion: live.reportedVersion,
      command: live.command,
      intents: live.intents(),
    },
    build: {
      artefact: live.artefact?.name ?? null,
      patches: live.artefact?.patches ?? [],
      emulation: live.artefact?.emulation ?? false,
      proofs: proofFacts(live),
      runtime: live.runtime?.facts() ?? null,
    },
    model: {
      source: live.model?.source ?? stack.model.path ?? stack.model.repo ?? 'none',
      path: live.model?.path ?? null,
      commit: live.model?.commit ?? null,
      files: live.model?.files ?? null,
      bytes: live.model?.bytes ?? null,
    },
    proxy: { url: live.proxyUrl, auth: stack.proxy.auth, servedName: stack.serve.name, ...live.counts() },
    logs: { engine: live.engineLog(), events: frame.eventsFile },
    failure: live.failure?.toJSON() ?? null,
  };
}
