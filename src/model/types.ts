import type { Reporter } from '../lib/index.ts';

/** How the content of a file is proved: sha256 of an LFS object, or git's sha1 of a blob. */
export type ContentHash =
  | { readonly algorithm: 'sha256'; readonly expected: string }
  | { readonly algorithm: 'git-sha1'; readonly expected: string };

/** One file of a repository at one commit, as the hub's tree declares it. */
export interface RepoFile {
  /** Path inside the repository, `/` between folders; checked to stay inside the snapshot. */
  readonly path: string;
  readonly sizeBytes: number;
  /** git blob sha1; for an LFS file that of its pointer. */
  readonly gitOid: string;
  /** sha256 of the content; null for a file kept in git itself. */
  readonly lfsSha256: string | null;
  readonly xetHash: string | null;
}

/** Where the hub is and who asks. */
export interface HubSettings {
  /** Origin and optional path prefix, without a trailing slash. */
  readonly endpoint: string;
  readonly token: string | null;
  /** Where the token came from, for messages; never its value. */
  readonly tokenSource: string | null;
  /** The folder that HF_HUB_CACHE names. */
  readonly cacheDir: string;
  readonly offline: boolean;
}

export interface PullOptions {
  /** OWNER/NAME. */
  readonly repo: string;
  /** Branch, tag, `refs/pr/N` or 40-hex commit. */
  readonly revision: string;
  readonly endpoint: string;
  readonly token: string | null;
  readonly tokenSource?: string | null;
  readonly cacheDir: string;
  /** Only from what the cache holds; no request is made. */
  readonly offline?: boolean;
  readonly patterns?: FilePatterns;
  /** Connections at once; default 8. */
  readonly maxConnections?: number;
  /** The command that goes on after an interruption; default `stepctl pull REPO`. */
  readonly resumeCommand?: string;
  /** Throw STEP_MODEL_LOCKED instead of waiting for another pull of the same model. */
  readonly waitForOwner?: boolean;
  readonly tuning?: Partial<PullTuning>;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
}

/** Globs over repository paths, as huggingface_hub reads them: `*` also crosses `/`. */
export interface FilePatterns {
  readonly allow?: readonly string[];
  readonly ignore?: readonly string[];
}

/** Knobs that tests turn; the defaults are in download/tuning.ts. */
export interface PullTuning {
  /** Largest range asked in one request. */
  readonly partBytes: number;
  /** Bytes of a part after which they are made durable and journalled. */
  readonly unitBytes: number;
  /** Bytes gathered before one write. */
  readonly writeBytes: number;
  /** A connection slower than this over `stallWindowMs` is replaced. */
  readonly stallBytesPerSecond: number;
  readonly stallWindowMs: number;
  readonly headersTimeoutMs: number;
  /** Failures in a row without progress before giving up. */
  readonly maxFailures: number;
  readonly backoffFirstMs: number;
  readonly backoffMaxMs: number;
  /** Longest single wait that a 429 may ask for. */
  readonly maxThrottleMs: number;
  readonly hashWorkers: number;
}

export interface PulledModel {
  /** `snapshots/<commit>` inside the cache: what the engine is given. */
  readonly snapshotDir: string;
  readonly commit: string;
  readonly files: number;
  readonly bytesTotal: number;
  /** Bytes of files received by this call (refetches included). */
  readonly bytesFetched: number;
  /** Bytes that were already on disk. */
  readonly bytesPresent: number;
}
