import type { DiffFile } from './diffs/parse.ts';
import type { Edit, PatchFile } from './schema.ts';

/** Read access to a tree that holds `vllm/`: a site-packages folder, an image, a wheel. Paths have forward slashes. */
export interface SourceTree {
  /** Text of `vllm/model_executor/…`, or null where there is no such file. */
  read(path: string): Promise<string | null>;
}

/** One patch of the series, as its folder declares it. */
export interface Patch {
  readonly id: string;
  /** The patch's own folder; plugin and probe files are named relative to it. */
  readonly folder: string;
  readonly definition: PatchFile;
  /** Text of its probe (Python), or null. */
  readonly probe: string | null;
  /** Text of its plugin module, or null for a patch that edits files. */
  readonly pluginText: string | null;
  /** What its diff does to each file, or null for a patch of another kind. */
  readonly diff: readonly DiffFile[] | null;
  /** Shipped with stepctl, or added by the user (`patch add`). */
  readonly origin: 'shipped' | 'added';
  /** sha256 over everything above: changes when the patch changes in any way. */
  readonly hash: string;
}

/** Every known patch, in the order in which they are applied. */
export interface Series {
  readonly folder: string;
  readonly patches: readonly Patch[];
}

/** applies: work to do · already-upstream: the tree has it · not-needed: outside its range or platform · conflict: refused. */
export type PatchOutcome = 'applies' | 'already-upstream' | 'not-needed' | 'conflict';

export interface PlannedFile {
  readonly path: string;
  /** The patch makes the file: before, there is none and `before` holds the empty text. */
  readonly isNew: boolean;
  readonly before: { readonly sha256: string; readonly text: string };
  readonly after: { readonly sha256: string; readonly text: string };
}

/** What stands in the way of an edit: the anchor, where it was looked for, what is there now. */
export interface AnchorProblem {
  readonly edit: string;
  readonly anchor: string;
  readonly file: string;
  readonly problem: string;
  /** The source that stands where the anchor was expected, cut to a few lines; empty where nothing does. */
  readonly found: string;
}

export interface EditPlan {
  readonly id: string;
  /** `hunk` where the patch is a diff. */
  readonly op: Edit['op'] | 'hunk';
  readonly state: 'needed' | 'present' | 'conflict';
  /** File that holds the anchor; null where no candidate does. */
  readonly file: string | null;
  readonly why: string;
}

export interface PatchPlan {
  readonly id: string;
  readonly title: string;
  readonly kind: PatchFile['kind'];
  readonly outcome: PatchOutcome;
  /** One sentence for the person. */
  readonly reason: string;
  readonly hash: string;
  readonly edits: readonly EditPlan[];
  /** Files this patch changes, relative to the state after the patches before it. */
  readonly files: readonly PlannedFile[];
  readonly problems: readonly AnchorProblem[];
  /** True when the patch's probe must say yes to what was built: whether by the patch or by vLLM itself. */
  readonly isProbed: boolean;
  /** The patch itself, for its plugin and probe. */
  readonly patch: Patch;
}

export interface SeriesPlan {
  readonly version: string;
  readonly patches: readonly PatchPlan[];
  /** Every file that changes, first state to last state over the whole series. */
  readonly files: readonly PlannedFile[];
}

export type FileStatus = 'ok' | 'changed' | 'missing';

export interface VerifyResult {
  readonly ok: boolean;
  readonly files: readonly {
    readonly path: string;
    readonly status: FileStatus;
    readonly expected: string;
    readonly found: string | null;
  }[];
}
