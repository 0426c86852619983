import { advisoriesDate, advisoriesFor, nearestRelease } from '../../vllm/index.ts';
import { type Check, fail, pass, skipped, warn } from '../types.ts';

/** Open advisories of the pinned release, against a dated table. */
export const advisoriesCheck: Check = {
  id: 'advisories',
  title: 'vLLM advisories',
  run: async ({ stack }) => {
    const { driver, vllm } = stack.engine;
    if (driver === 'sim') return skipped('the simulator is no vLLM');
    if (nearestRelease(vllm) === null)
      return fail(`vLLM ${vllm} does not know the architecture`, 'set engine.vllm to 0.16.0 or newer');
    const open = advisoriesFor(vllm);
    if (open.length === 0) return pass(`none known for ${vllm} (table of ${advisoriesDate})`);
    const bare = open.filter((advisory) => advisory.cover === null);
    const critical = open.filter((advisory) => advisory.severity === 'critical').length;
    return warn(
      `${vllm} has ${open.length} open, ${critical} of them critical; the front door or the pins cover all but ${bare.length === 0 ? 'none' : bare.map((advisory) => advisory.id).join(', ')} (table of ${advisoriesDate})`,
      'set engine.vllm=0.32.0 where the patch of an old release is not what you test',
    );
  },
};
