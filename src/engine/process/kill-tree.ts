import { readFile } from 'node:fs/promises';
import { StepError, systemClock } from '../../lib/index.ts';
import { findEngineTree, type TreeIdentity } from './engine-tree.ts';
import { type ProcessRow, readProcess, readProcessTable } from './process-table.ts';
import { removeSharedMemory, sharedMemoryOf } from './shared-memory.ts';

/** After this, processes that survive SIGKILL are reported: they hang in the kernel, mostly in a GPU driver. */
const deadlineMs = 10_000;
/** Python's resource tracker gets this long to unlink shared memory once the others are dead. */
const trackerGraceMs = 1_500;

/** Signals exactly that process: looks at its start time right before, because a pid may have a new owner. */
function killProcess(row: ProcessRow): void {
  const now = readProcess(row.pid);
  if (now === null || now.startTicks !== row.startTicks || now.isZombie) return;
  try {
    process.kill(row.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function isResourceTracker(row: ProcessRow): Promise<boolean> {
  const command = await readFile(`/proc/${row.pid}/cmdline`, 'utf8').catch(() => '');
  return command.includes('multiprocessing.resource_tracker');
}

export interface KilledTree {
  /** Processes that were found, by pid. */
  readonly pids: readonly number[];
}

/**
 * Kills every process of an engine and looks until none is left. Shared memory goes with it: SIGKILL to a whole
 * vLLM 0.32.0 leaves 160 to 400 MB in /dev/shm a time, because the tracker that would unlink it dies too.
 * Throws STEP_ENGINE_NOT_REMOVED naming what is still alive after 10 s.
 */
export async function killTree(identity: TreeIdentity): Promise<KilledTree> {
  const start = systemClock.monotonicMs();
  const seen = new Set<number>();
  const memory = new Set<string>();
  for (;;) {
    const tree = findEngineTree(await readProcessTable(), identity);
    const elapsed = systemClock.monotonicMs() - start;
    if (tree.length === 0) {
      await removeSharedMemory(memory);
      return { pids: [...seen] };
    }
    if (elapsed > deadlineMs) throw survivors(tree);
    for (const path of await sharedMemoryOf(tree.filter((row) => !seen.has(row.pid)))) memory.add(path);
    for (const row of tree) {
      seen.add(row.pid);
      if (elapsed < trackerGraceMs && (await isResourceTracker(row))) continue;
      killProcess(row);
    }
    await systemClock.sleep(30);
  }
}

function survivors(tree: readonly ProcessRow[]): StepError {
  const pids = tree.map((row) => row.pid);
  return new StepError('STEP_ENGINE_NOT_REMOVED', {
    verdict: `${pids.length} process(es) of the engine survived SIGKILL: ${pids.join(', ')}`,
    reason: 'a process that SIGKILL does not end hangs in the kernel, mostly in a GPU or file system driver',
    next: `ps -o pid,stat,wchan:32,args -p ${pids.join(',')}`,
    details: { pids },
  });
}
