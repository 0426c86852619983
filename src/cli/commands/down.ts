import { StepError } from '../../lib/index.ts';
import type { CommandSpec, Context } from '../context.ts';

export const downCommand: CommandSpec = {
  name: 'down',
  summary: 'finish what is in flight, stop the engine, leave nothing behind',
  options: [
    {
      flags: '--drain <ms>',
      description: 'how long requests in flight may finish; the stack says by default',
    },
  ],
  examples: ['stepctl down', 'stepctl down --drain 0', 'stepctl down --instance second'],
  run: async (context, _args, options) => {
    const drainMs = parseDrain(options['drain']);
    const { findController, readInstance } = await import('../../control/index.ts');
    const client = await findController(context.instance, context.env);
    if (client !== null) {
      const { record } = (await readInstance(context.instance, context.env)) ?? { record: null };
      context.reporter.stage('down', 'draining and stopping');
      await client.down(drainMs);
      await waitForEnd(context, record?.owner ?? null);
      return finish(context, 'stopped', []);
    }
    const dead = await readInstance(context.instance, context.env);
    if (dead === null) return finish(context, 'nothing was up', []);
    return clearAway(context);
  },
};

function parseDrain(value: unknown): number | null {
  if (value === undefined) return null;
  const parsed = Number(value);
  if (Number.isInteger(parsed) && parsed >= 0) return parsed;
  throw new StepError('STEP_USAGE', {
    verdict: `--drain takes whole milliseconds, got "${String(value)}"`,
    next: 'stepctl down --drain 5000',
  });
}

/** The answer comes before the controller's own last steps: wait until its process is gone. */
async function waitForEnd(
  context: Context,
  owner: { pid: number; startTicks: string | null; host: string } | null,
): Promise<void> {
  const { isAlive, systemClock } = await import('../../lib/index.ts');
  if (owner === null) return;
  for (let round = 0; round < 200 && (await isAlive(owner)); round += 1) {
    await systemClock.sleep(50, context.signal);
  }
}

async function clearAway(context: Context): Promise<number> {
  const { claimInstance, readInstance } = await import('../../control/index.ts');
  const { removeLeftovers } = await import('../leftovers.ts');
  const record = (await readInstance(context.instance, context.env))?.record;
  const claim = await claimInstance(context.instance, context.env);
  try {
    const removed = await removeLeftovers(context.instance, claim.dir, record?.driver ?? 'unknown');
    return finish(context, 'cleared away after a controller that had died', removed);
  } finally {
    await claim.release();
  }
}

function finish(
  context: Context,
  verdict: string,
  removed: readonly { kind: string; id: string; text: string }[],
): number {
  if (context.json)
    context.out.json({ schema: 'stepctl/down/1', instance: context.instance, verdict, removed });
  else {
    context.out.line(`${verdict} (instance "${context.instance}")`);
    for (const item of removed) context.out.line(`  removed ${item.kind} ${item.id}  ${item.text}`);
    if (verdict === 'nothing was up') context.out.line('  next  stepctl up -d');
  }
  return 0;
}
