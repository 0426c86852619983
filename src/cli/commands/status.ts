import type { readInstance, StatusReport } from '../../control/index.ts';
import type { CommandSpec, Context } from '../context.ts';
import { renderStatus } from '../render-status.ts';

export const statusCommand: CommandSpec = {
  name: 'status',
  summary: 'what is up, what is in it, and how that is known',
  options: [{ flags: '-w, --watch', description: 'again every second until Ctrl-C' }],
  examples: ['stepctl status', 'stepctl status --json | jq .engine.snapshot.state', 'stepctl status --watch'],
  run: async (context, _args, options) => {
    if (options['watch'] !== true) return show(context);
    let code = 0;
    while (!context.signal.aborted) {
      if (context.out.isTty && !context.json) context.out.data('\u001B[H\u001B[2J');
      code = await show(context);
      await pause(context.signal);
    }
    return code;
  },
};

async function pause(signal: AbortSignal): Promise<void> {
  const { systemClock } = await import('../../lib/index.ts');
  await systemClock.sleep(1_000, signal).catch(() => undefined);
}

/** Exit code: 0 serving, 3 nothing up, 4 a proof failed, 6 engine given up or controller lost. */
async function show(context: Context): Promise<number> {
  const control = await import('../../control/index.ts');
  const client = await control.findController(context.instance, context.env);
  if (client !== null) {
    const report = await client.status();
    if (context.json) context.out.json(report);
    else context.out.line(renderStatus(report, Date.now(), context.out.paint));
    return codeOf(report);
  }
  const dead = await control.readInstance(context.instance, context.env);
  if (dead === null) {
    if (context.json)
      context.out.json({ schema: 'stepctl/status/1', instance: context.instance, stage: 'down' });
    else context.out.line(`nothing is up as instance "${context.instance}"\n  next  stepctl up -d`);
    return 3;
  }
  return showLost(context, dead);
}

const codeOf = (report: StatusReport): number => {
  if (report.stage !== 'failed' && report.engine.snapshot?.state !== 'given-up') return 0;
  return report.build.proofs.some((proof) => proof.verdict === 'no') ? 4 : 6;
};

/** The controller died without a word (kill -9, power): say so, and what of its engine is still there. */
async function showLost(
  context: Context,
  dead: NonNullable<Awaited<ReturnType<typeof readInstance>>>,
): Promise<number> {
  const { findLeftovers } = await import('../leftovers.ts');
  const left = await findLeftovers(context.instance, dead.dir, dead.record.driver);
  if (context.json) {
    context.out.json({
      schema: 'stepctl/status/1',
      instance: context.instance,
      stage: 'lost',
      record: dead.record,
      leftovers: left,
    });
    return 6;
  }
  context.out.line(
    `the controller of instance "${context.instance}" is gone (it was process ${dead.record.owner.pid})`,
  );
  context.out.line(
    left.length === 0
      ? '  why   it was killed; nothing of its engine is left'
      : '  why   it was killed; still there:',
  );
  for (const item of left) context.out.line(`          ${item.kind} ${item.id}  ${item.text}`);
  context.out.line(
    '  next  stepctl up (clears this away and starts anew), or stepctl down (only clears away)',
  );
  return 6;
}
