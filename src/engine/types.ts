/** Where a running engine answers HTTP. */
export type Endpoint =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

export type DriverName = 'docker' | 'process' | 'sim' | 'external';

export interface Mount {
  /** Absolute path on the host. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** GPUs asked of the container runtime; `none` asks for nothing. */
export type GpuRequest =
  | { readonly kind: 'none' }
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'ids'; readonly ids: readonly string[] };

/** All that a driver needs to start one engine: a plain value, the same for `--dry-run` and for the real start. */
export interface EngineSpec {
  readonly instance: string;
  /** How to reach `vllm`: executable (absolute or on PATH) and leading arguments, e.g. `['/env/bin/python', '-m', 'vllm.entrypoints.cli.main']`. */
  readonly program: readonly string[];
  /** `serve MODEL --flag …` without any listen flag: the driver adds those and thereby knows the endpoint. Paths are absolute. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** docker only. */
  readonly image: string | null;
  readonly mounts: readonly Mount[];
  readonly gpus: GpuRequest;
  /** docker only; null leaves the image's user. */
  readonly user: { readonly uid: number; readonly gid: number } | null;
  readonly limits: {
    readonly shmBytes: number;
    readonly memoryBytes: number | null;
    readonly pids: number;
    readonly logMaxBytes: number;
  };
  /** external only: the engine that somebody else runs. */
  readonly externalUrl: string | null;
  /** The instance's folder: pid files and sockets of this driver go here. */
  readonly stateDir: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface LogLine {
  /** ms since the epoch, when stepctl read it. */
  readonly at: number;
  readonly stream: 'stdout' | 'stderr';
  /** Without line end; a tqdm bar's `\r` states arrive as lines of their own. */
  readonly text: string;
}

export interface EngineExit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly oomKilled: boolean;
}

/** Who listens at an endpoint: the engine, somebody else (too), or nobody yet. */
export type ListenerOwner = 'ours' | 'stranger' | 'nobody';

export interface Running {
  /** Container id or pid, for people. */
  readonly id: string;
  readonly endpoint: Endpoint;
  /** One reader; ends after the engine's last line. Bounded: a reader that lags makes the driver drop the oldest and say so. */
  readonly logs: AsyncIterable<LogLine>;
  /** Resolves once, also when the engine died before anyone looked. Never rejects. */
  readonly exited: Promise<EngineExit>;
  /**
   * Says who listens at `endpoint`: vLLM binds late, and meanwhile a stranger may answer on the same port. Absent where
   * the endpoint is private by construction (a socket in a 0700 folder, the address of an own container).
   */
  readonly listener?: () => Promise<ListenerOwner>;
  /**
   * Signals the engine's main process; SIGABRT goes to all its processes, so that each prints its Python stacks.
   * A dead engine is no error.
   */
  signal(name: 'SIGTERM' | 'SIGABRT' | 'SIGKILL'): Promise<void>;
  /** Kills what is left of the whole tree (process group, container, network) and removes it. Idempotent. */
  destroy(): Promise<void>;
}

/** Something an earlier, dead controller left behind. */
export interface Leftover {
  readonly kind: 'process' | 'container' | 'network' | 'file';
  readonly id: string;
  readonly text: string;
}

/** How an engine is run. A driver knows nothing of policy: it starts, tells, signals and removes. */
export interface EngineDriver {
  readonly name: DriverName;
  /** Checks that this driver can work here (daemon reachable, executable present). Throws a StepError with the next command. */
  check(spec: EngineSpec): Promise<void>;
  /** Starts one engine; rejects without leaving anything behind. */
  start(spec: EngineSpec): Promise<Running>;
  /** What an earlier controller of this instance left; `remove` takes it away and returns what it was. */
  leftovers(instance: string, stateDir: string): Promise<Leftover[]>;
  remove(instance: string, stateDir: string): Promise<Leftover[]>;
}
