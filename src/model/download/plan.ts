import { StepError } from '../../lib/index.ts';
import type { RepoFile } from '../types.ts';

/** What the cache holds of one blob before a pull. */
export type BlobStock =
  /** Complete and proved before. */
  | { readonly kind: 'verified' }
  /** Of the right size; its hash has to be proved once. */
  | { readonly kind: 'unproved' }
  /** So many bytes are journalled. */
  | { readonly kind: 'partial'; readonly storedBytes: number }
  | { readonly kind: 'missing' };

export interface PullPlan {
  readonly repo: string;
  readonly commit: string;
  readonly files: number;
  readonly bytesTotal: number;
  readonly bytesPresent: number;
  readonly bytesToFetch: number;
  /** Present bytes whose hash is proved before they count. */
  readonly bytesToHash: number;
  readonly freeBytes: number;
}

export interface StockedFile {
  readonly file: RepoFile;
  readonly stock: BlobStock;
}

const storedOf = ({ file, stock }: StockedFile): number => {
  if (stock.kind === 'verified' || stock.kind === 'unproved') return file.sizeBytes;
  return stock.kind === 'partial' ? stock.storedBytes : 0;
};

/** Sums up a pull. `stocked` has one entry a blob; `files` counts the paths that point at them. */
export function planPull(input: {
  readonly repo: string;
  readonly commit: string;
  readonly files: number;
  readonly stocked: readonly StockedFile[];
  readonly freeBytes: number;
}): PullPlan {
  const sum = (of: (one: StockedFile) => number): number =>
    input.stocked.reduce((total, one) => total + of(one), 0);
  const bytesTotal = sum((one) => one.file.sizeBytes);
  const bytesPresent = sum(storedOf);
  return {
    repo: input.repo,
    commit: input.commit,
    files: input.files,
    bytesTotal,
    bytesPresent,
    bytesToFetch: bytesTotal - bytesPresent,
    bytesToHash: sum((one) => (one.stock.kind === 'unproved' ? one.file.sizeBytes : 0)),
    freeBytes: input.freeBytes,
  };
}

/** Room that stays free beside the model: journals, links, and the engine's own logs. */
export const diskMarginBytes = 64 << 20;

/** Throws STEP_DISK_FULL with the exact shortfall when the plan does not fit. */
export function checkRoom(plan: PullPlan, cacheDir: string): void {
  const needed = plan.bytesToFetch + diskMarginBytes;
  if (plan.bytesToFetch === 0 || needed <= plan.freeBytes) return;
  const shortfall = needed - plan.freeBytes;
  throw new StepError('STEP_DISK_FULL', {
    verdict: `${plan.repo} does not fit: ${formatBytes(shortfall)} are missing on the file system of ${cacheDir}`,
    reason: `to fetch ${formatBytes(plan.bytesToFetch)} and ${formatBytes(diskMarginBytes)} to spare, free ${formatBytes(plan.freeBytes)}; nothing was fetched`,
    next: 'make room, or set HF_HUB_CACHE to a folder on a larger file system',
    details: { ...plan, neededBytes: needed, shortfallBytes: shortfall, cacheDir },
  });
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** 1536 → `1.5 KiB`. Binary units, three digits. */
export function formatBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  const digits = power === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[power] ?? 'B'}`;
}

/** The plan in one line. */
export function renderPlan(plan: PullPlan): string {
  const parts = [
    `${plan.files} files, ${formatBytes(plan.bytesTotal)}`,
    `present ${formatBytes(plan.bytesPresent)}`,
    `to fetch ${formatBytes(plan.bytesToFetch)}`,
    ...(plan.bytesToHash > 0 ? [`to prove ${formatBytes(plan.bytesToHash)}`] : []),
    `free ${formatBytes(plan.freeBytes)}`,
  ];
  return `${plan.repo} at ${plan.commit.slice(0, 12)}: ${parts.join(', ')}`;
}
