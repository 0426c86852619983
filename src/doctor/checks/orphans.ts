import { findOrphans, readProcesses } from '../processes.ts';
import { type Check, pass, skipped, warn } from '../types.ts';

/** Engine cores and workers whose server is gone: they keep the GPU memory, and the next start dies of it. */
export const orphansCheck: Check = {
  id: 'orphans',
  title: 'Orphaned engine cores',
  run: async ({ stack, root }) => {
    if (stack.engine.driver === 'external') return skipped('somebody else runs the engine');
    const rows = await readProcesses(root);
    if (rows.length === 0) return skipped('there is no /proc');
    const orphans = findOrphans(rows);
    if (orphans.length === 0) return pass('none');
    const text = orphans.map(
      ({ pid, command, container }) =>
        `pid ${pid} (${command.slice(0, 40)}${container === null ? '' : `, container ${container}`})`,
    );
    return warn(
      text.join('; '),
      `stepctl down takes what stepctl left; of others: kill ${orphans.map(({ pid }) => pid).join(' ')}`,
    );
  },
};
