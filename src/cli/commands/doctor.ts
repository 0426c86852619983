import type { CommandSpec } from '../context.ts';
import { parseWhole } from '../numbers.ts';

const defaultSeconds = 3;
/** For printing: loading the program counts too, so that the whole command keeps the time. */
const printingMs = 150;
const leastMs = 1000;

export const doctorCommand: CommandSpec = {
  name: 'doctor',
  summary: 'look at this machine before the start: what would block, and what to do about it',
  readsStack: true,
  options: [
    {
      flags: '--wait <seconds>',
      description: `time for the checks, for a driver that wakes slowly; default ${defaultSeconds}`,
    },
  ],
  examples: [
    'stepctl doctor',
    'stepctl doctor --profile tiny-cpu --engine docker',
    'stepctl doctor --profile step-3.5-flash-nvfp4 --wait 30',
    'stepctl doctor --json | jq .verdict',
  ],
  run: async (context, _args, options) => {
    const { resolveFor } = await import('../resolve.ts');
    const { doctorExitCode, renderDoctor, searchGpus } = await import('../../doctor/index.ts');
    const { examine } = await import('../up/preflight.ts');
    const seconds = parseWhole(options['wait'], '--wait') ?? defaultSeconds;
    const budgetMs = Math.max(leastMs, seconds * 1000 - printingMs - performance.now());
    // One search serves the choice of the profile and the checks.
    const search = searchGpus({
      env: context.env,
      signal: context.signal,
      timeoutMs: Math.round(budgetMs - printingMs),
    });
    const resolved = await resolveFor(context, options, [], async () => {
      const found = await search;
      return found.kind === 'found' ? found.gpus : [];
    });
    const report = await examine(context, resolved.stack, context.signal, { budgetMs, search });
    if (context.json) context.out.json(report);
    else {
      context.out.line(`profile ${resolved.stack.profile}: ${resolved.profileReason}`);
      context.out.line(renderDoctor(report, context.out.width));
    }
    return doctorExitCode(report);
  },
};
