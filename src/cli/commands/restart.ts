import type { CommandSpec } from '../context.ts';

export const restartCommand: CommandSpec = {
  name: 'restart',
  summary: 'stop the engine and start it again; requests that come meanwhile wait in the proxy',
  options: [{ flags: '--no-wait', description: 'return at once instead of when the engine is ready again' }],
  examples: ['stepctl restart', 'stepctl restart --no-wait'],
  run: async (context, _args, options) => {
    const { needController } = await import('../../control/index.ts');
    const client = await needController(context.instance, context.env);
    const before = (await client.status()).engine.snapshot?.incarnation ?? 0;
    await client.restart();
    context.reporter.stage('restart', 'the engine was asked to start anew');
    if (options['wait'] !== false) {
      const { waitUntilReady } = await import('../wait-ready.ts');
      await waitUntilReady(context, client, before);
    }
    if (context.json) context.out.json({ schema: 'stepctl/restart/1', instance: context.instance, ok: true });
    else context.out.line(options['wait'] === false ? 'restarting' : 'ready again');
  },
};
