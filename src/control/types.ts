import type { IntentProof } from '../vllm/index.ts';
import type { EngineSnapshot } from '../supervisor/types.ts';

/** Where the controller is on its way up; `serving` once the first token was seen. */
export type ControllerStage = 'preflight' | 'build' | 'pull' | 'launch' | 'serving' | 'stopping' | 'failed';

export interface PatchFact {
  readonly id: string;
  readonly outcome: string;
  readonly reason: string;
}

/** One of the three proofs: the hash in the lock, the file in the build, the running engine's own word. */
export interface ProofFact {
  readonly name: 'lock' | 'build' | 'engine';
  /** open: not asked, or not answered yet. */
  readonly verdict: 'yes' | 'no' | 'open';
  /** One sentence: what was compared, or what is not as it should be. */
  readonly said: string;
}

/** What the engine's processes say they run. */
export interface RuntimeFact {
  readonly processes: readonly {
    readonly role: 'api' | 'core' | 'worker';
    readonly rank: number | null;
    readonly pid: number;
  }[];
  readonly moe: readonly {
    readonly backend: string;
    readonly activation: string | null;
    readonly layers: string;
  }[];
  readonly weights: { readonly parameters: number; readonly unfilled: number } | null;
  readonly notes: readonly string[];
}

/** `stepctl status --json`; the field `schema` is a promise to scripts. */
export interface StatusReport {
  readonly schema: 'stepctl/status/1';
  readonly instance: string;
  readonly profile: string;
  readonly stage: ControllerStage;
  readonly controller: { readonly pid: number; readonly since: number; readonly version: string };
  readonly engine: {
    readonly driver: string;
    readonly vllm: string;
    readonly snapshot: EngineSnapshot | null;
    /** What answered /version after the start; null before. */
    readonly reportedVersion: string | null;
    /** What the stack asks for, and what the engine's own log says of it. */
    readonly intents: readonly IntentProof[];
    /** Command line without secrets. */
    readonly command: readonly string[];
  };
  readonly build: {
    /** Image tag or folder of the Python environment; null where the driver builds nothing. */
    readonly artefact: string | null;
    readonly patches: readonly PatchFact[];
    /** True while a test-only CPU emulation plugin stands in for GPU kernels. */
    readonly emulation: boolean;
    readonly proofs: readonly ProofFact[];
    /** null where nothing is built, or nothing runs yet. */
    readonly runtime: RuntimeFact | null;
  };
  readonly model: {
    readonly source: string;
    readonly path: string | null;
    readonly commit: string | null;
    readonly files: number | null;
    readonly bytes: number | null;
  };
  readonly proxy: {
    readonly url: string | null;
    readonly auth: 'keys' | 'none';
    readonly servedName: string;
    readonly inFlight: number;
    readonly queued: number;
  };
  readonly logs: { readonly engine: string | null; readonly events: string };
  readonly failure: Readonly<Record<string, unknown>> | null;
}

/** What a running controller does when asked over its socket. */
export interface ControllerApi {
  status(): StatusReport;
  /** Drains and stops all; resolves once the engine is gone. */
  down(drainMs: number | null): Promise<void>;
  restart(): Promise<void>;
  /** A key that lives as long as this controller, for the commands of the same user. */
  localKey(): string | null;
}
