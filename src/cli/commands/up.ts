import type { ResolvedStack } from '../../stack/index.ts';
import type { CommandSpec, Context, Options } from '../context.ts';
import { parsePull, type PullPolicy } from '../pull-policy.ts';

export const upCommand: CommandSpec = {
  name: 'up',
  summary: 'bring the stack up: build, pull, launch, supervise, proxy; then stay (or -d)',
  readsStack: true,
  streams: true,
  passesThrough: true,
  options: [
    { flags: '-d, --detach', description: 'return once it is ready; a controller of its own keeps it up' },
    { flags: '--dry-run', description: 'show the plan and what would be launched; start nothing' },
    { flags: '--ensure', description: 'no failure when it is up already' },
    { flags: '--pull <policy>', description: 'base image: missing, always or never', default: 'missing' },
    {
      flags: '--frozen',
      description: 'refuse what differs from the lock (exit 10); without the flag where CI is set',
    },
    { flags: '--no-frozen', description: 'only warn of it, also where CI is set' },
    { flags: '--no-hello', description: 'do not ask a first question once it is ready' },
  ],
  examples: [
    'stepctl up',
    'stepctl up -d --profile tiny-cpu',
    'stepctl up --profile tiny-cpu --engine docker',
    'stepctl up --set engine.vllm=0.32.0 --set serve.maxModelLen=65536',
    'stepctl up --dry-run --json',
    'stepctl up -- --max-num-seqs 16        # the rest goes to vllm serve',
  ],
  run: async (context, _args, options, extra) => {
    const { resolveFor } = await import('../resolve.ts');
    const resolved = await resolveFor(context, options, extra);
    if (options['dryRun'] === true) {
      const { dryRun } = await import('../up/dry-run.ts');
      return dryRun(context, resolved);
    }
    if (options['ensure'] === true && (await isUp(context))) return 0;
    const pull = parsePull(options['pull']);
    const { detachedVariable } = await import('../up/detach.ts');
    if (context.env[detachedVariable] !== undefined) return runDetached(context, resolved, pull, options);
    if (options['detach'] === true) return startDetached(context, resolved, options);
    return runForeground(context, resolved, pull, options);
  },
};

async function isUp(context: Context): Promise<boolean> {
  const { findController } = await import('../../control/index.ts');
  const report = await (await findController(context.instance, context.env))?.status();
  if (report?.stage !== 'serving') return false;
  if (context.json) context.out.json(report);
  else
    context.out.line(
      `instance "${context.instance}" is up already: ${report.proxy.servedName} at ${report.proxy.url ?? ''}`,
    );
  return true;
}

const around = (context: Context, resolved: ResolvedStack, detached: boolean) => ({
  profile: resolved.stack.profile,
  instance: context.instance,
  detached,
  entry: context.self[0] ?? '',
});

async function runForeground(
  context: Context,
  resolved: ResolvedStack,
  pull: PullPolicy,
  options: Options,
): Promise<number> {
  const { runController } = await import('../up/controller.ts');
  const { greet, nextSteps } = await import('../up/greeting.ts');
  return runController(context, resolved, {
    pull,
    frozen: (options['frozen'] as boolean | undefined) ?? null,
    onReady: async (facts) => {
      if (options['hello'] !== false) await greet(context, facts);
      if (context.json)
        context.out.json({
          schema: 'stepctl/event/1',
          event: 'ready',
          url: facts.url,
          model: facts.servedName,
        });
      else context.out.say(`\n${nextSteps(facts, around(context, resolved, false))}`);
    },
  });
}

/** The side of `up -d` that stays: tells the command that started it, then only its log file. */
async function runDetached(
  context: Context,
  resolved: ResolvedStack,
  pull: PullPolicy,
  options: Options,
): Promise<number> {
  const { runController } = await import('../up/controller.ts');
  const { detachedReporter, tellParent } = await import('../up/detach.ts');
  const { toStepError } = await import('../../lib/index.ts');
  const own = { ...context, reporter: detachedReporter(context.reporter) };
  try {
    return await runController(own, resolved, {
      pull,
      frozen: (options['frozen'] as boolean | undefined) ?? null,
      onReady: async (facts) => tellParent({ kind: 'ready', facts }),
    });
  } catch (error) {
    const { code, verdict, reason, next, details } = toStepError(error);
    tellParent({ kind: 'failed', error: { code, verdict, reason, next, details } });
    throw error;
  }
}

/** The side of `up -d` that returns. */
async function startDetached(context: Context, resolved: ResolvedStack, options: Options): Promise<number> {
  const { detach } = await import('../up/detach.ts');
  const { greet, nextSteps } = await import('../up/greeting.ts');
  const facts = await detach(context, context.self);
  if (options['hello'] !== false) await greet(context, facts);
  if (context.json)
    context.out.json({ schema: 'stepctl/event/1', event: 'ready', url: facts.url, model: facts.servedName });
  else context.out.say(`\n${nextSteps(facts, around(context, resolved, true))}`);
  return 0;
}
