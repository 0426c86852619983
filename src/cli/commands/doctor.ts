import type { CommandSpec } from '../context.ts';

export const doctorCommand: CommandSpec = {
  name: 'doctor',
  summary: 'look at this machine before the start: what would block, and what to do about it',
  readsStack: true,
  examples: [
    'stepctl doctor',
    'stepctl doctor --profile tiny-cpu --engine docker',
    'stepctl doctor --json | jq .verdict',
  ],
  run: async (context, _args, options) => {
    const { resolveFor } = await import('../resolve.ts');
    const { doctorExitCode, renderDoctor } = await import('../../doctor/index.ts');
    const { examine } = await import('../up/preflight.ts');
    const resolved = await resolveFor(context, options);
    const report = await examine(context, resolved.stack, context.signal);
    if (context.json) context.out.json(report);
    else {
      context.out.line(`profile ${resolved.stack.profile}: ${resolved.profileReason}`);
      context.out.line(renderDoctor(report, context.out.width));
    }
    return doctorExitCode(report);
  },
};
